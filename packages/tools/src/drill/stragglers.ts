import { readdirSync, readFileSync } from 'node:fs';
import { sleep } from './timing.js';

/** One may start another while it is looked for. */
const looks = 20;
const lookMs = 20;

/** A process that was found by what its environment has. */
export interface Marked {
  readonly pid: number;
  /** The process group it is in. */
  readonly group: number;
  /** Its command line, as far as a line takes it. */
  readonly command: string;
}

/**
 * The living processes whose environment has this text, which all descendants of a child inherit, also those that have
 * left its process group. Only Linux tells: an empty list elsewhere.
 */
export function processesMarked(mark: string): Marked[] {
  return numbersIn('/proc').flatMap((pid) => {
    if (pid === process.pid || !read(`/proc/${pid}/environ`).includes(mark)) return [];
    // Behind the name, which may hold anything: the state, the parent, the group.
    const group = Number(read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[2]);
    return [{ pid, group, command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 120) }];
  });
}

/** Ends every process that has the mark, and resolves to those it found when none is left. */
export async function endMarked(mark: string): Promise<Marked[]> {
  const found = new Map<number, Marked>();
  for (let look = 0; look < looks; look++) {
    const living = processesMarked(mark);
    if (living.length === 0) break;
    for (const each of living) {
      found.set(each.pid, each);
      try {
        process.kill(each.pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    await sleep(lookMs);
  }
  return [...found.values()];
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** What a file says; nothing when it is gone or closed to us. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
