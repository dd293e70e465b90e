import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { evaluate } from '../../../../src/doctor/read/evaluate.js';
import { temporaryFolder } from '../../../../../../test/support/temporary-folder.js';

const file = 'ecosystem.config.js';
const folder = temporaryFolder();

describe('evaluate', () => {
  it('gives what a module exports, as JSON', () => {
    expect(evaluate('const n = 2;\nmodule.exports = { n, port: process.env.PORT || 3000 };', file)).toEqual({
      json: '{"n":2,"port":3000}',
    });
    expect(evaluate('exports.apps = [1];', file)).toEqual({ json: '{"apps":[1]}' });
  });

  it('loads what Node has, and files beside it', () => {
    writeFileSync(join(folder, 'other.js'), 'module.exports = 7;');
    const text = "const path = require('node:path'); module.exports = [path.basename(__dirname), require('./other')];";
    expect(evaluate(text, join(folder, file))).toEqual({ json: `["${folder.split('/').at(-1)!}",7]` });
  });

  it('passes over packages that fill the environment, where they are not installed', () => {
    const text = "require('dotenv').config(); require('dotenv-flow/config'); module.exports = [1];";
    expect(evaluate(text, join(folder, file))).toEqual({ json: '[1]' });
    expect(evaluate("require('nobody-has-this');", file)).toMatchObject({
      why: "Cannot find module 'nobody-has-this'",
      isSyntax: false,
      line: 1,
    });
  });

  it('reads ES modules, by their names and by their texts', () => {
    const text = "import { join } from 'node:path';\nexport default { a: join('b', 'c') };";
    expect(evaluate(text, 'ecosystem.config.mjs')).toEqual({ json: '{"a":"b/c"}' });
    expect(evaluate(text, file)).toEqual({ json: '{"a":"b/c"}' });
    const filled = "import 'dotenv/config';\nimport dotenv from 'dotenv';\ndotenv.config();\nexport default [1];";
    expect(evaluate(filled, 'ecosystem.config.mjs')).toEqual({ json: '[1]' });
    const own =
      "import { fileURLToPath } from 'node:url';\nexport default fileURLToPath(import.meta.url).split('/').at(-1);";
    expect(evaluate(own, 'ecosystem.config.mjs')).toEqual({ json: '"ecosystem.config.mjs"' });
    const name = join(folder, 'ecosystem.config.mjs');
    writeFileSync(join(folder, 'beside.mjs'), 'export const n = 3;');
    expect(evaluate("import { n } from './beside.mjs';\nexport default [n];", name)).toEqual({ json: '[3]' });
  });

  it('reads TypeScript as configurations have it', () => {
    const text = "import type { X } from 'pm2';\nconst config: X = { a: 1 } satisfies X;\nexport default config;";
    expect(evaluate(text, 'ecosystem.config.ts')).toEqual({ json: '{"a":1}' });
  });

  it('says what is missing, and where', () => {
    expect(evaluate('\n\nmodule.exports = nothing;', file)).toEqual({
      why: 'nothing is not defined',
      isSyntax: false,
      line: 3,
    });
    expect(evaluate('module.exports = undefined;', file)).toMatchObject({ why: 'it exports nothing' });
    expect(evaluate('process.exit(0);', file)).toMatchObject({ why: 'it ends the process' });
    expect(evaluate('const a = {}; a.a = a; module.exports = a;', file)).toMatchObject({ isSyntax: false });
  });

  it('tells what is no program', () => {
    expect(evaluate('module.exports = {\n  a: 1\n  b: 2\n};', file)).toMatchObject({ isSyntax: true, line: 3 });
  });

  it('lets it write nothing, and start nothing', () => {
    const written = join(folder, 'written');
    const write = `require('node:fs').writeFileSync(${JSON.stringify(written)}, ''); module.exports = [1];`;
    expect(evaluate(write, file)).toMatchObject({ why: 'it starts a process, or writes a file' });
    expect(existsSync(written)).toBe(false);
    for (const each of [
      "require('child_process').execSync('true')",
      "new (require('worker_threads').Worker)('./a.js')",
    ])
      expect(evaluate(`${each}; module.exports = [1];`, file)).toMatchObject({
        why: 'it starts a process, or writes a file',
      });
  });

  it('gives it no environment', () => {
    expect(evaluate('module.exports = Object.keys(process.env).length;', file)).toEqual({ json: '0' });
  });

  it.each([
    'for (;;);',
    'module.exports = { toJSON() { for (;;); } };',
    "const hold = []; for (;;) hold.push('x'.repeat(2 ** 20) + hold.length);",
    "module.exports = 'x'.repeat(5_000_000);",
  ])('ends in bounded time: %s', (text) => {
    expect(evaluate(text, file)).toMatchObject({ isSyntax: false, why: expect.any(String) });
  });

  it.each(['throw null;', 'throw 7;', 'throw {};', 'throw Object.create(null);', 'throw Symbol();'])(
    'survives whatever is thrown: %s',
    (text) => {
      expect(evaluate(text, file)).toMatchObject({ isSyntax: false, line: 1 });
    },
  );

  it('is not disturbed by what it prints', () => {
    expect(evaluate("console.log('hello'); module.exports = [1];", file)).toEqual({ json: '[1]' });
    expect(evaluate("process.stdout.write('hello'); module.exports = [1];", file)).toMatchObject({
      why: 'it writes to its output',
    });
  });
});
