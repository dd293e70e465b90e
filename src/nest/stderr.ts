import { writeSync } from 'node:fs';

/** Writes at once: a process that ends gives nothing else the time to. */
export function writeToStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads any longer.
  }
}
