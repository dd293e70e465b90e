import { basename } from 'node:path';
import { parse, type ParseEntry } from 'shell-quote';

/** What keeps a signal from reaching node, or node from being what runs. */
export interface Trouble {
  readonly kind: 'npm' | 'shell' | 'development' | 'script';
  /** As it was written. */
  readonly program: string;
}

const packageManagers = ['npm', 'npx', 'yarn', 'yarnpkg', 'pnpm', 'pnpx', 'corepack'];
const shells = ['sh', 'bash', 'ash', 'dash', 'zsh', 'ksh'];
const inits = ['tini', 'tini-static', 'dumb-init', 'docker-init', 'catatonit'];
const developmentRunners = [
  'nodemon',
  'ts-node',
  'ts-node-dev',
  'ts-node-esm',
  'tsnd',
  'tsx',
  'nest',
  'nest.js',
  'swc-node',
];
/** They become the program that they start; those of the second list after one word of their own. */
const transparent = ['exec', 'env', 'nice', 'nohup', 'docker-entrypoint.sh'];
const transparentAfterOne = ['gosu', 'su-exec', 'setpriv'];
/** Flags of node that are followed by their value. */
const valueFlags = [
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
  '--env-file',
];

/** What is wrong with a command, in exec form. Nothing, when node gets the signal. */
export function troublesOf(command: readonly string[]): readonly Trouble[] {
  const [program, ...rest] = withoutVariables(command);
  if (program === undefined) return [];
  const name = basename(program);
  if (inits.includes(name)) return troublesOf(withoutFlags(rest));
  if (transparent.includes(name)) return troublesOf(rest);
  if (transparentAfterOne.includes(name)) return troublesOf(rest.slice(1));
  if (shells.includes(name)) return troublesOfShell(program, rest);
  if (packageManagers.includes(name)) return [{ kind: 'npm', program: command.join(' ') }];
  if (developmentRunners.includes(name)) return [{ kind: 'development', program: [name, ...rest].join(' ') }];
  if (name === 'node' || name === 'nodejs') return troublesOfNode(rest);
  if (/\.sh$|entrypoint/.test(name)) return [{ kind: 'script', program }];
  return [];
}

/** The same of a line that a shell runs: the shell stays in between, unless it becomes the last command. */
export function troublesOfLine(line: string, shell = '/bin/sh -c'): readonly Trouble[] {
  const last = withoutVariables(lastCommand(line));
  if (last[0] === 'exec') return troublesOf(last.slice(1));
  return [{ kind: 'shell', program: shell }, ...troublesOf(last)];
}

/** The name of the script of `package.json` that a command runs. */
export function scriptRunBy(command: readonly string[]): string | undefined {
  const words = withoutVariables(command);
  const at = words.findIndex((word) => ['npm', 'yarn', 'pnpm'].includes(basename(word)));
  const [first, second] = at === -1 ? [] : words.slice(at + 1).filter((word) => !word.startsWith('-'));
  if (first === 'run' || first === 'run-script') return second;
  if (first === undefined) return undefined;
  return first === 'start' || basename(words[at]!) !== 'npm' ? first : undefined;
}

/** Whether a line is more than one command, the last of which does not replace the shell. */
export function isChain(line: string): boolean {
  return commandsOf(line).length > 1 && lastCommand(line)[0] !== 'exec';
}

/** The words of the last command of a line. */
export function lastCommand(line: string): readonly string[] {
  return commandsOf(line).at(-1) ?? [];
}

/** One command, no variables, no redirections: what an exec form can say as well. */
export function isPlain(line: string): boolean {
  const entries = entriesOf(line);
  const isWord = (entry: ParseEntry) => typeof entry === 'string' && !/[$`]/.test(entry);
  return entries.length > 0 && entries.every(isWord) && !/^\w+=/.test(entries[0] as string);
}

/** The words of all commands of a line, without what lies between them. */
export function wordsOf(line: string): readonly string[] {
  return commandsOf(line).flat();
}

/** The words of each command of a line. Where output goes is left out. */
function commandsOf(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  let isTarget = false;
  for (const entry of entriesOf(line)) {
    const word = typeof entry === 'string' ? entry : 'pattern' in entry ? entry.pattern : undefined;
    if (word !== undefined && !isTarget) commands.at(-1)!.push(word);
    const operator = typeof entry === 'object' && 'op' in entry ? entry.op : undefined;
    isTarget = operator !== undefined && /[<>]/.test(operator);
    if (operator !== undefined && /^[;&|]/.test(operator)) commands.push([]);
  }
  return commands.filter((words) => words.length > 0);
}

/** As a shell reads a line, or several; variables stay as they are. */
function entriesOf(line: string): readonly ParseEntry[] {
  const lines = line.replace(/\\\r?\n/g, ' ').split(/\r?\n/);
  const entries = lines.map((each) => parse(each, (name) => `$${name}`));
  return entries.flatMap((each, at) => (at === 0 ? each : [{ op: ';' as const }, ...each]));
}

/** An init ends with its child: what keeps the signal from node does so below an init, too. */
function withoutFlags(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word) => !word.startsWith('-'));
  return start === -1 ? [] : words.slice(start);
}

function withoutVariables(command: readonly string[]): readonly string[] {
  const start = command.findIndex((word) => !/^\w+=/.test(word));
  return start === -1 ? [] : command.slice(start);
}

function troublesOfShell(shell: string, words: readonly string[]): readonly Trouble[] {
  const flag = words.findIndex((word) => /^-\w*c$/.test(word));
  if (flag !== -1) return troublesOfLine(words[flag + 1] ?? '', `${shell} ${words[flag]!}`);
  const script = words.find((word) => !word.startsWith('-'));
  return script === undefined ? [{ kind: 'shell', program: shell }] : [{ kind: 'script', program: script }];
}

function troublesOfNode(words: readonly string[]): readonly Trouble[] {
  const watch = words.find((word) => /^--watch\b/.test(word));
  if (watch !== undefined) return [{ kind: 'development', program: `node ${watch}` }];
  const script = words.find((word, at) => !word.startsWith('-') && !valueFlags.includes(words[at - 1] ?? ''));
  if (script === undefined || !script.includes('node_modules/')) return [];
  const name = basename(script);
  return name === 'npm-cli.js' ? [{ kind: 'npm', program: 'npm' }] : troublesOf([name]);
}
