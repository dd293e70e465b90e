import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '../sequence/clock.js';
import { runProgram } from './run-program.js';

/** What stands for a unit that is never killed, ms: what systemd grants when nothing is configured. */
const endlessMs = 90_000;

/** How a span of time is printed by systemd: `1min 30s`. */
const unitsMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The unit that a process belongs to, as its control group names it. */
export interface Unit {
  readonly name: string;
  /** It is one of a user's own service manager. */
  readonly isOfUser: boolean;
}

/** Finds the unit in what `/proc/self/cgroup` says. */
export function unitIn(controlGroups: string): Unit | undefined {
  for (const line of controlGroups.split('\n')) {
    // "0::/system.slice/orders.service", or "1:name=systemd:/…" with control groups of version 1.
    const [, controller, path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controller !== '' && controller !== 'name=systemd') continue;
    const name = path.split('/').findLast((each) => each.endsWith('.service'));
    if (name === undefined) continue;
    return { name, isOfUser: /\/user@\d+\.service\/./.test(path) && !/^user@\d+\.service$/.test(name) };
  }
  return undefined;
}

/** Reads a span of time as systemd prints it, ms; nothing when it is none. */
export function timeSpanMs(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === 'infinity') return endlessMs;
  if (!/^(\d+(\.\d+)?[a-z]+\s*)+$/.test(trimmed)) return undefined;
  let sum = 0;
  for (const [, count, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)) {
    const unitMs = unitsMs[unit!];
    if (unitMs === undefined) return undefined;
    sum += Number(count) * unitMs;
  }
  return Math.floor(sum);
}

/**
 * Asks systemd for the TimeoutStopSec of the unit that this process belongs to, ms. Calls back once, with nothing when
 * there is no answer. Nothing of it keeps the event loop alive.
 */
export function askStopTimeout(
  answered: (stopTimeoutMs: number | undefined) => void,
  clock: Clock = systemClock,
  controlGroups: () => string = () => readFileSync('/proc/self/cgroup', 'utf8'),
  command = 'systemctl',
): void {
  const unit = unitOf(controlGroups);
  if (!unit) return answered(undefined);
  const scope = unit.isOfUser ? ['--user'] : [];
  const args = [...scope, 'show', '--property=TimeoutStopUSec', '--value', '--', unit.name];
  runProgram(command, args, (output) => answered(timeSpanMs(output)), clock);
}

function unitOf(controlGroups: () => string): Unit | undefined {
  try {
    return unitIn(controlGroups());
  } catch {
    // There is no /proc on systems other than Linux.
    return undefined;
  }
}
