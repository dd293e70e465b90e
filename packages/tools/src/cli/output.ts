import { closeSync, existsSync, openSync, statSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Writable } from 'node:stream';
import { BadInputError } from '../drill/errors.js';

/**
 * Throws a `BadInputError` when a file cannot be written: a drill takes minutes, and that is said before it. What the
 * file holds stays as it is, and one that was not there is not there afterwards.
 */
export function checkWritable(file: string): void {
  try {
    if (existsSync(file)) {
      const isFile = statSync(file).isFile();
      closeSync(openSync(file, isFile ? 'r+' : 'w'));
      return;
    }
    const descriptor = openSync(file, 'wx');
    try {
      writeSync(descriptor, '\n');
    } finally {
      closeSync(descriptor);
      unlinkSync(file);
    }
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** Throws a `BadInputError` when two reports are to go into one file. */
export function checkDifferent(files: readonly string[]): void {
  const twice = files.find((file, index) => files.findIndex((each) => resolve(each) === resolve(file)) !== index);
  if (twice !== undefined) throw new BadInputError(`${twice} is named for two reports: give each a file of its own.`);
}

/** Throws a `BadInputError` when the file cannot be written, such as on a disk that is full. */
export function writeReport(file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** Resolves when the text has gone out, or nobody reads it any more; `process.exit` does not wait for a pipe. */
export function writeAll(stream: Writable, text: string): Promise<void> {
  return new Promise((done) => {
    stream.write(text, () => done());
  });
}

function cannotWrite(file: string, error: unknown): BadInputError {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  return new BadInputError(`${file} cannot be written (${code}).`, { cause: error });
}
