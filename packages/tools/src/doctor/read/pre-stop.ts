import { type PreStop } from '../model.js';
import { type Field } from './field.js';

const unitsMs: Readonly<Record<string, number>> = { '': 1_000, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The preStop hook of a container: a sleep of known length, or something whose time cannot be known. */
export function preStopOf(container: Field): PreStop | undefined {
  const preStop = container.get('lifecycle', 'preStop');
  if (!preStop.exists) return undefined;
  const at = preStop.place;
  const sleep = preStop.get('sleep', 'seconds');
  if (sleep.exists) return { at, name: 'sleep', ms: sleep.number === undefined ? undefined : sleep.number * 1_000 };
  const command = preStop.get('exec', 'command');
  if (command.exists) {
    const words = command.items().map(({ text = '' }) => text);
    return { at, name: `'${words.join(' ').replace(/\s+/g, ' ')}'`, ms: sleepIn(words) };
  }
  const name = preStop.get('httpGet').exists ? `GET ${preStop.get('httpGet', 'path').text ?? '/'}` : 'preStop';
  return { at, name, ms: undefined };
}

/** What the `sleep`s of a command add up to, where it does nothing else that takes time. */
function sleepIn(words: readonly string[]): number | undefined {
  const line = words.join(' ').replace(/^\S*\b(ba|da|a)?sh -\w*c /, '');
  const commands = line.split(/;|&&|\n/).map((each) => each.trim().replace(/^["'(]|["')]$/g, ''));
  let sumMs: number | undefined;
  for (const command of commands) {
    const [, times] = /^(?:\S*\/)?sleep((?:\s+["']?\d+(?:\.\d+)?[smhd]?["']?)+)$/.exec(command) ?? [];
    if (times === undefined) {
      if (/^(|true|:|exit( 0)?|echo\b.*|(\S*\/)?(touch|rm)\b.*)$/.test(command)) continue;
      return undefined;
    }
    for (const [, count, unit = ''] of times.matchAll(/(\d+(?:\.\d+)?)([smhd]?)/g)) {
      sumMs = (sumMs ?? 0) + Number(count) * unitsMs[unit]!;
    }
  }
  return sumMs;
}
