import { readFileSync } from 'node:fs';
import { BadInputError } from './errors.js';
import { type RequestSpec } from './exchange.js';

export interface RequestLineOptions {
  /** Whether a whole URL may lead off this machine. */
  readonly allowRemote: boolean;
  /** Reads what `body=@file` names. @default from the disk */
  readonly readFile?: (path: string) => string;
}

const settings = ['weight', 'status', 'length', 'header', 'body', 'answer'] as const;
type Setting = (typeof settings)[number];

/**
 * Reads a request as it is given in a command line or a file: `[METHOD] PATH [weight=2] [status=201] [length=512]
 * [header='Name: value'] [body=text or @file] [answer=text]`, with quotes around what has blanks. Throws a `BadInputError`.
 */
export function requestOf(line: string, options: RequestLineOptions): RequestSpec {
  const words = wordsOf(line);
  const first = words[0] ?? '';
  const hasMethod = /^[A-Z]+$/.test(first);
  const method = hasMethod ? first : 'GET';
  const path = words[hasMethod ? 1 : 0];
  if (path === undefined) throw new BadInputError(`The request '${line}' has no path: give it as 'GET /orders'.`);
  const given = words.slice(hasMethod ? 2 : 1).map((word) => settingOf(word, line));
  const last = (name: Setting): string | undefined => given.findLast((each) => each.name === name)?.value;
  const body = last('body');
  return {
    name: `${method} ${path}`,
    method,
    path: checkedPath(path, line, options),
    weight: wholeNumber(last('weight'), 'weight', 1, line),
    headers: headersOf(
      given.filter(({ name }) => name === 'header').map(({ value }) => value),
      line,
    ),
    body: body?.startsWith('@') ? contentOf(body.slice(1), options) : body,
    expect: {
      status: wholeNumber(last('status'), 'status', 100, line),
      body: last('answer') ?? wholeNumber(last('length'), 'length', 0, line),
    },
  };
}

/** Reads a file of requests, a line each; empty lines and those that begin with `#` are comments. */
export function requestsOf(path: string, options: RequestLineOptions): RequestSpec[] {
  const requests = contentOf(path, options)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => requestOf(line, options));
  if (requests.length === 0) throw new BadInputError(`${path} has no requests: give one a line, as GET /orders.`);
  return requests;
}

/** Words apart by blanks; blanks in quotes are part of a word, and the quotes are not. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'])+/g)) {
    words.push(
      word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_, double?: string, single?: string) =>
        double === undefined ? single! : double.replace(/\\(["\\])/g, '$1'),
      ),
    );
  }
  return words;
}

function settingOf(word: string, line: string): { readonly name: Setting; readonly value: string } {
  const at = word.indexOf('=');
  const name = settings.find((each) => each === word.slice(0, at));
  if (at > 0 && name) return { name, value: word.slice(at + 1) };
  throw new BadInputError(
    `'${word}' in the request '${line}' is none of ${settings.map((each) => `${each}=`).join(', ')}.`,
  );
}

function checkedPath(path: string, line: string, { allowRemote }: RequestLineOptions): string {
  if (path.startsWith('/') && !path.startsWith('//')) return path;
  if (!/^http:\/\//i.test(path) || !URL.canParse(path)) {
    throw new BadInputError(`The path in '${line}' must begin with '/', or be a whole http:// URL.`);
  }
  if (allowRemote || isLoopback(new URL(path).hostname)) return path;
  throw new BadInputError(
    `${path} is not on this machine: a drill is load, and goes elsewhere only with --allow-remote.`,
  );
}

export function isLoopback(hostname: string): boolean {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\]|::1)$/i.test(hostname);
}

function wholeNumber(text: string | undefined, name: string, atLeast: number, line: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && Number(text) >= atLeast) return Number(text);
  throw new BadInputError(`${name} in the request '${line}' must be a whole number from ${atLeast} on, got '${text}'.`);
}

function headersOf(given: readonly string[], line: string): Record<string, string> | undefined {
  if (given.length === 0) return undefined;
  return Object.fromEntries(
    given.map((header) => {
      const at = header.indexOf(':');
      const name = header.slice(0, at).trim();
      if (at > 0 && /^[\w!#$%&'*+.^`|~-]+$/.test(name)) return [name, header.slice(at + 1).trim()];
      throw new BadInputError(`A header in '${line}' must be as header='Name: value', got '${header}'.`);
    }),
  );
}

function contentOf(path: string, { readFile = (file) => readFileSync(file, 'utf8') }: RequestLineOptions): string {
  try {
    return readFile(path);
  } catch (error) {
    throw new BadInputError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}).`, {
      cause: error,
    });
  }
}
