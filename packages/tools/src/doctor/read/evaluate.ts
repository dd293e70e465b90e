import { spawnSync } from 'node:child_process';

/** What an evaluation came to: JSON, or why there is none. */
export type Evaluation =
  { readonly json: string } | { readonly why: string; readonly isSyntax: boolean; readonly line: number };

/** More than any configuration takes, the start of a process included. */
const timeoutMs = 3_000;

/** What a CommonJS module sees, made inside the context: nothing of a process is within its reach. */
const prelude = `
  var module = { exports: {} }, exports = module.exports;
  var __dirname = '.', __filename = './ecosystem.config.js';
  var process = { env: {}, argv: [], platform: 'linux', cwd: () => '.' };
  var console = { log() {}, info() {}, warn() {}, error() {}, debug() {} };
  var require = (name) => { throw new Error('it requires ' + name); };
`;

/** Run by a process of its own, which ends before any promise goes on. */
const runner = `
  const { readFileSync, writeSync } = require('node:fs');
  const { createContext, runInContext } = require('node:vm');
  const { prelude, text, file } = JSON.parse(readFileSync(0, 'utf8'));
  const context = createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } });
  const run = (code, filename) => runInContext(code, context, { filename, timeout: 500 });
  let result;
  try {
    run(prelude, 'prelude');
    run(text, file);
    result = { json: String(run('JSON.stringify(module.exports) || ""', 'result')) };
  } catch (error) {
    try {
      result = { name: String(error.name), message: String(error.message), stack: String(error.stack) };
    } catch {
      result = { name: '', message: 'it throws what is no error', stack: '' };
    }
  }
  writeSync(1, JSON.stringify(result));
  process.exit(0);
`;

interface Result {
  readonly json?: string;
  readonly name?: string;
  readonly message?: string;
  readonly stack?: string;
}

/**
 * What a CommonJS module exports, as JSON. It is run in another process, which is bounded in time and memory and has no
 * environment, and there in a context of its own: without `require`, without `process`, and without the making of code
 * from texts.
 */
export function evaluate(text: string, file: string): Evaluation {
  const { stdout } = spawnSync(process.execPath, ['--max-old-space-size=128', '--input-type=commonjs', '-e', runner], {
    input: JSON.stringify({ prelude, text, file }),
    encoding: 'utf8',
    env: {},
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  if (!stdout) return { why: 'it does not come to an end', isSyntax: false, line: 1 };
  const { json, name, message = '', stack = '' } = JSON.parse(stdout) as Result;
  if (json) return { json };
  if (json === '') return { why: 'it exports nothing', isSyntax: false, line: 1 };
  return { why: message.split('\n')[0]!, isSyntax: name === 'SyntaxError', line: lineIn(stack, file) };
}

/** The first place in the file that a stack names. */
function lineIn(stack: string, file: string): number {
  const rests = stack.split(file).slice(1);
  const line = rests.map((rest) => /^:(\d+)/.exec(rest)?.[1]).find((each) => each !== undefined);
  return Number(line ?? 1);
}
