import { spawnSync } from 'node:child_process';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What an evaluation came to: JSON, or why there is none. */
export type Evaluation =
  { readonly json: string } | { readonly why: string; readonly isSyntax: boolean; readonly line: number };

/** More than any configuration takes, the start of a process included. */
const timeoutMs = 3_000;
/** Of what a configuration exports, bytes. */
const largest = 1_000_000;

/** They only fill the environment, which is empty here: where they are not installed they are passed over. */
const harmless = String.raw`^(dotenv|dotenv-flow|dotenv-expand|@dotenvx/dotenvx)(/config)?$`;
const harmlessModule =
  'data:text/javascript,' +
  encodeURIComponent(
    'export const config = () => ({ parsed: {} }); export const expand = config; export default { config, expand };',
  );

/** Run by a process of its own. A module is made of its text, which need not be on the disk. */
const runner = `
  const { readFileSync, writeSync } = require('node:fs');
  const Module = require('node:module');
  const { dirname } = require('node:path');
  const { text, file, isModule } = JSON.parse(readFileSync(0, 'utf8'));
  const quiet = () => {};
  Object.assign(console, { log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet });
  const harmless = new RegExp(${JSON.stringify(harmless)});
  const load = Module._load;
  Module._load = (name, ...rest) => {
    try {
      return load(name, ...rest);
    } catch (error) {
      if (error?.code !== 'MODULE_NOT_FOUND' || !harmless.test(name)) throw error;
      const config = () => ({ parsed: {} });
      return Object.assign(config, { config, expand: config });
    }
  };
  const done = (result) => {
    writeSync(1, JSON.stringify(result));
    process.reallyExit(0);
  };
  const failed = (error) => {
    let told;
    try {
      told = { name: String(error.name), message: String(error.message), stack: String(error.stack) };
    } catch {
      told = { name: '', message: 'it throws what is no error', stack: '' };
    }
    done(told);
  };
  const given = (exported) => {
    const value = exported?.default ?? exported;
    try {
      done({ json: JSON.stringify(value) || '' });
    } catch (error) {
      failed(error);
    }
  };
  process.on('uncaughtException', failed);
  process.exit = () => failed(new Error('it ends the process'));
  if (isModule) {
    import('data:text/javascript,' + encodeURIComponent(text)).then((exported) => given({ ...exported }), failed);
  } else {
    try {
      const module = new Module(file);
      module.filename = file;
      module.paths = Module._nodeModulePaths(dirname(file));
      module._compile(text, file);
      given(module.exports);
    } catch (error) {
      failed(error);
    }
  }
`;

interface Result {
  readonly json?: string;
  readonly name?: string;
  readonly message?: string;
  readonly stack?: string;
}

/**
 * What a module exports, as JSON. As PM2 does, it is loaded: in another process, which is bounded in time and memory,
 * has no environment, and may read files, and neither write any nor start processes.
 */
export function evaluate(text: string, file: string): Evaluation {
  const path = resolve(file);
  const isModule = /\.mts$|\.mjs$/.test(file) || isEsm(text);
  const isTypeScript = /\.[cm]?ts$/.test(file);
  const plain = isTypeScript ? withoutTypes(text) : text;
  const { stdout, error } = spawnSync(process.execPath, [...flags(), '-e', runner], {
    input: JSON.stringify({ text: isModule ? detached(plain, path) : plain, file: path, isModule }),
    encoding: 'utf8',
    env: {},
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: largest,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  if (!stdout || error) return { why: 'it does not come to an end', isSyntax: false, line: 1 };
  const result = parsed(stdout);
  if (!result) return { why: 'it writes to its output', isSyntax: false, line: 1 };
  const { json, name, message = '', stack = '' } = result;
  if (json) return { json };
  if (json === '') return { why: 'it exports nothing', isSyntax: false, line: 1 };
  return { why: whyOf(message), isSyntax: name === 'SyntaxError', line: lineIn(stack, path) };
}

/** It may read files, and neither write any nor start processes. */
function flags(): readonly string[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isStable = major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13);
  const permission = isStable ? '--permission' : '--experimental-permission';
  return ['--max-old-space-size=128', permission, '--allow-fs-read=*', '--input-type=commonjs'];
}

/** What configurations in TypeScript have of types: imports of them, annotations of constants, `as` and `satisfies`. */
function withoutTypes(text: string): string {
  return text
    .replace(/^\s*import\s+type\b.*$/gm, '')
    .replace(/^(\s*(?:export\s+)?(?:const|let|var)\s+\w+)\s*:\s*[\w.<>[\] |]+(?=\s*=)/gm, '$1')
    .replace(/\}\s*(?:as|satisfies)\s+[\w.<>[\]]+/g, '}')
    .replace(/^(\s*)export\s*=\s*/gm, '$1module.exports = ');
}

function isEsm(text: string): boolean {
  return /^\s*(export\s+(default|const|let|var|function)\b|import\s+[\w{*'"])/m.test(text);
}

/** The text of an ES module that finds what it imports wherever it is run from. */
function detached(text: string, path: string): string {
  const url = pathToFileURL(path).href;
  return text
    .replace(/\bimport\.meta\.url\b/g, JSON.stringify(url))
    .replace(/\bimport\.meta\.dirname\b/g, JSON.stringify(dirname(path)))
    .replace(
      /(\bfrom\s*|\bimport\s*)(['"])([^'"\n]+)\2/g,
      (_, before: string, quote: string, name: string) => `${before}${quote}${urlOf(name, path)}${quote}`,
    );
}

function urlOf(name: string, path: string): string {
  if (isBuiltin(name) || /^(data|file|node):/.test(name)) return name;
  if (name.startsWith('.')) return new URL(name, pathToFileURL(path)).href;
  try {
    return pathToFileURL(createRequire(path).resolve(name)).href;
  } catch {
    return new RegExp(harmless).test(name) ? harmlessModule : name;
  }
}

function parsed(stdout: string): Result | undefined {
  try {
    return JSON.parse(stdout) as Result;
  } catch {
    return undefined;
  }
}

function whyOf(message: string): string {
  const [line = ''] = message.split('\n');
  return /access to this API has been restricted/i.test(line) ? 'it starts a process, or writes a file' : line;
}

/** The first place in the file that a stack names. */
function lineIn(stack: string, path: string): number {
  const rests = stack.split(path).slice(1);
  const line = rests.map((rest) => /^:(\d+)/.exec(rest)?.[1]).find((each) => each !== undefined);
  return Number(line ?? 1);
}
