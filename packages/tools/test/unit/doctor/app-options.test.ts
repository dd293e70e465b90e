import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { optionsOfApp } from '../../../src/doctor/app-options.js';
import { folder } from './support/fixtures.js';

const cwd = resolve(folder, 'app');

describe('optionsOfApp', () => {
  it('finds the options below forwardRef() and behind promises, and leaves the warnings', async () => {
    expect(await optionsOfApp('app.module.mjs', cwd)).toEqual({ options: { drainTimeoutMs: 25_000 } });
  });

  it('says that forRootAsync() makes them later', async () => {
    expect(await optionsOfApp('async-app.module.mjs', cwd)).toEqual({
      why: 'async-app.module.mjs uses forRootAsync(), whose options are made at bootstrap',
    });
  });

  it('kills what does not come to an end', async () => {
    await expect(optionsOfApp('endless.module.mjs', cwd, 500)).rejects.toThrow(
      'endless.module.mjs: Expected a module to import: it has not loaded after 0.5 s.',
    );
  });

  it('survives a module that ends its process', async () => {
    await expect(optionsOfApp('exiting.module.mjs', cwd)).rejects.toThrow('it ends the process that imports it');
  });
});
