import { type ChildProcess } from 'node:child_process';
import { type Readable } from 'node:stream';
import { type Clock, systemClock } from '../sequence/clock.js';

/** A program is waited for so long, ms. */
const endsWithinMs = 2_000;

/**
 * Runs a small program, which is killed when it does not end. Calls back once: with what it has written to stdout, and
 * with why it could not be run, if it could not. Nothing of it keeps the event loop alive.
 */
export function runProgram(
  command: string,
  args: readonly string[],
  ended: (output: string, error?: Error) => void,
  clock: Clock = systemClock,
): void {
  // Most applications start no other program, and need not load what does.
  const { spawn } = process.getBuiltinModule('node:child_process');
  let child: ChildProcess;
  try {
    child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    return ended('', error as Error);
  }
  child.unref();
  // Where no descriptor is left, there is none.
  const stdout = child.stdout as (Readable & { unref?(): void }) | null | undefined;
  stdout?.unref?.();
  let output = '';
  stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const timer = clock.after(endsWithinMs, () => child.kill('SIGKILL'));
  timer.unref?.();
  let failure: Error | undefined;
  // 'close' follows it.
  child.on('error', (error) => (failure = error));
  child.on('close', () => {
    timer.cancel();
    ended(output, failure);
  });
}
