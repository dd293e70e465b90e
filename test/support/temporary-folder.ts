import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder, for Jest alone: it is removed when all tests of the file have ended, whatever came of them. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-drain-'));
  folders.push(folder);
  return folder;
}
