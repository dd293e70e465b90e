import { describe, expect, it } from '@jest/globals';
import { evaluate } from '../../../../src/doctor/read/evaluate.js';

const file = 'ecosystem.config.js';

describe('evaluate', () => {
  it('leaves promises where they are', () => {
    const text = 'Promise.reject(new Error()); Promise.resolve().then(() => { for (;;); }); exports.a = 1;';
    expect(evaluate(text, file)).toEqual({ json: '{"a":1}' });
  });

  it('gives what a module exports, as JSON', () => {
    expect(
      evaluate('const n = 2;\nmodule.exports = { n, of: __dirname, port: process.env.PORT || 3000 };', file),
    ).toEqual({
      json: '{"n":2,"of":".","port":3000}',
    });
    expect(evaluate('exports.apps = [1];', file)).toEqual({ json: '{"apps":[1]}' });
  });

  it('says what is missing, and where', () => {
    expect(evaluate("// first\nconst os = require('os');", file)).toEqual({
      why: 'it requires os',
      isSyntax: false,
      line: 2,
    });
    expect(evaluate('\n\nmodule.exports = nothing;', file)).toEqual({
      why: 'nothing is not defined',
      isSyntax: false,
      line: 3,
    });
    expect(evaluate('module.exports = undefined;', file)).toMatchObject({ why: 'it exports nothing' });
  });

  it('tells what is no program', () => {
    expect(evaluate('module.exports = {\n  a: 1\n  b: 2\n};', file)).toMatchObject({ isSyntax: true, line: 3 });
    expect(evaluate('export default {};', file)).toMatchObject({ isSyntax: true, line: 1 });
  });

  it.each([
    [
      'this process',
      'module.exports = { pid: process.pid ?? null, exit: typeof process.exit };',
      '{"pid":null,"exit":"undefined"}',
    ],
    ['globals of node', 'module.exports = [typeof setTimeout, typeof fetch, typeof Buffer, typeof global];', undefined],
  ])('is out of reach of %s', (_, text, json) => {
    expect(evaluate(text, file)).toEqual({ json: json ?? '["undefined","undefined","undefined","undefined"]' });
  });

  it.each([
    "module.exports = this.constructor.constructor('return process')().pid;",
    "module.exports = (() => {}).constructor('return process')().pid;",
    "module.exports = require.constructor('return process')().pid;",
    "eval('1');",
    "import('node:fs').then((fs) => { module.exports = 1; }); throw 1;",
  ])('makes no code of texts, nor loads any: %s', (text) => {
    expect(evaluate(text, file)).toMatchObject({ why: expect.any(String), isSyntax: false });
  });

  it.each([
    'for (;;);',
    'module.exports = { toJSON() { for (;;); } };',
    'module.exports = { get apps() { for (;;); } };',
    "const hold = []; for (;;) hold.push('x'.repeat(2 ** 20) + hold.length);",
  ])('ends in bounded time: %s', (text) => {
    expect(evaluate(text, file)).toMatchObject({ isSyntax: false, why: expect.any(String) });
  });

  it.each(['throw null;', 'throw 7;', 'throw {};', 'throw Object.create(null);', 'throw Symbol();'])(
    'survives whatever is thrown: %s',
    (text) => {
      expect(evaluate(text, file)).toMatchObject({ isSyntax: false, line: 1 });
    },
  );
});
