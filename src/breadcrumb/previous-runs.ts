import { readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type PreviousRun } from '../sequence/events.js';
import { seconds } from '../sequence/seconds.js';
import { bornAt, type Crumb } from './breadcrumb.js';

/**
 * Takes the breadcrumbs of processes that are gone. Each is returned to one process, however many look at once: to the
 * one that removes the file.
 */
export function takePreviousRuns(path: string): readonly PreviousRun[] {
  return filesOf(path).flatMap((file) => {
    try {
      const { bornAt: itsBirth, ...run } = JSON.parse(readFileSync(file, 'utf8')) as Crumb;
      if (isRunning(run.pid, itsBirth)) return [];
      unlinkSync(file);
      return [run];
    } catch {
      // Another process has taken it, or it is no breadcrumb.
      return [];
    }
  });
}

/** Says what became of a run, in one line. */
export function wordsOn({ phase, phaseMs, inFlight, work, exitCode }: PreviousRun): string {
  const end = exitCode === undefined ? 'was killed' : `ended with exit code ${exitCode}`;
  const named = work.map(({ kind, name, ageMs }) => `${kind} ${name} (${seconds(ageMs)})`).join(', ');
  const others = inFlight > work.length && work.length > 0 ? ` and ${inFlight - work.length} more` : '';
  return `The previous run ${end} ${seconds(phaseMs)} into ${phase} with ${inFlight} in flight${named && `: ${named}`}${others}`;
}

function filesOf(path: string): readonly string[] {
  const folder = dirname(path);
  const start = `${basename(path)}.`;
  const names = readdirSync(folder).filter((name) => name.startsWith(start) && /^\d+$/.test(name.slice(start.length)));
  return names.map((name) => join(folder, name));
}

/** A number is given to another process some day, and to the next one at once in a container. */
function isRunning(pid: number, itsBirth: number): boolean {
  if (pid === process.pid) return itsBirth === bornAt;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
