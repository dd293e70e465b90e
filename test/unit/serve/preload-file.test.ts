import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, jest } from '@jest/globals';
import { preloadFile } from '../../../src/serve/preload-file.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

afterEach(() => void jest.restoreAllMocks());

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

it('The preload is written again where its folder has been cleared, and is kept by systemd-tmpfiles', () => {
  const folder = join(temporaryFolder(), 'private');
  const file = preloadFile(folder, 'first()');
  // The command of a worker may become another user.
  expect([modeOf(folder), modeOf(file)]).toEqual(['711', '1644']);
  // What is there stays as it is: a worker may be reading it.
  preloadFile(folder, 'second()');
  expect(readFileSync(file, 'utf8')).toBe('first()');
  for (const each of [file, folder]) {
    rmSync(each, { recursive: true });
    expect(preloadFile(folder, 'third()')).toBe(file);
    expect(readFileSync(file, 'utf8')).toBe('third()');
  }
});

it('No worker loads what another user has put where the folder was', () => {
  const folder = temporaryFolder();
  jest.spyOn(process, 'getuid').mockReturnValue(process.getuid!() + 1);
  expect(() => preloadFile(folder, 'ours()')).toThrow(`Expected ${folder} to be ours.`);
  expect(existsSync(join(folder, 'preload.cjs'))).toBe(false);
});
