import { type Place } from '../finding.js';
import { type Workload } from './workload.js';

/**
 * What runs before the SIGTERM, and counts against the grace period: a sleep of known length, or something whose time
 * cannot be known.
 */
export interface PreStop {
  readonly at: Place;
  /** As findings name it. */
  readonly name: string;
  readonly sleepMs?: number;
}

const unitsMs: Readonly<Record<string, number>> = { '': 1_000, s: 1_000, m: 60_000, h: 3_600_000 };

export function preStopOf({ container }: Workload): PreStop | undefined {
  const preStop = container.get('lifecycle', 'preStop');
  const at = preStop.place;
  const sleep = preStop.get('sleep', 'seconds');
  if (sleep.number !== undefined) return { at, name: 'sleep', sleepMs: sleep.number * 1_000 };
  const command = preStop.get('exec', 'command');
  if (command.exists) {
    const words = command.items().map(({ text = '' }) => text);
    return { at, name: `'${words.join(' ')}'`, sleepMs: sleepIn(words.join(' ')) };
  }
  if (preStop.get('httpGet').exists) return { at, name: `GET ${preStop.get('httpGet', 'path').text ?? '/'}` };
  return preStop.exists ? { at, name: 'preStop' } : undefined;
}

/** What the `sleep`s of a command add up to. */
function sleepIn(command: string): number | undefined {
  const sleeps = [...command.matchAll(/(?:^|[\s;&|/('"])sleep\s+["']?(\d+(?:\.\d+)?)([smh]?)\b/g)];
  if (sleeps.length === 0) return undefined;
  return sleeps.reduce((sum, [, count, unit = '']) => sum + Number(count) * unitsMs[unit]!, 0);
}
