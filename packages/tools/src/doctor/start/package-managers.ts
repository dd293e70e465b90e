import { basename } from 'node:path';
import { type Habitat, type Passing, type Step } from './step.js';

/** What a package manager is asked to run. */
export interface PackageRun {
  readonly manager: 'npm' | 'yarn' | 'pnpm' | 'node';
  /** A script of package.json; `undefined` for a program. */
  readonly script?: string;
  /** Reports whether it may be a program as well, as in `yarn nest start`. */
  readonly mayBeProgram: boolean;
  /** A program with its arguments, or the arguments of the script. */
  readonly words: readonly string[];
  /** Reports whether a flag names another package than the one at hand. */
  readonly isElsewhere: boolean;
  /** A line that is given to a shell: `npx -c`. */
  readonly line?: string;
}

const managers: Readonly<Record<string, PackageRun['manager']>> = {
  npm: 'npm',
  'npm-cli.js': 'npm',
  npx: 'npm',
  'npx-cli.js': 'npm',
  yarn: 'yarn',
  yarnpkg: 'yarn',
  'yarn.js': 'yarn',
  pnpm: 'pnpm',
  'pnpm.cjs': 'pnpm',
  pnpx: 'pnpm',
};
const valued = [
  '--prefix',
  '-C',
  '--dir',
  '--cwd',
  '--loglevel',
  '--script-shell',
  '--userconfig',
  '--registry',
  '-p',
  '--package',
];
const elsewhere = ['--prefix', '-C', '--dir', '--cwd', '--filter', '-F', '-w', '--workspace', '--workspaces'];
/** Those of npm, which runs other scripts with `run` alone. */
const ownScripts = ['start', 'stop', 'restart', 'test'];
/** What the others take for a command of their own, and not for a script. */
const ownCommands = [
  'install',
  'add',
  'ci',
  'i',
  'build',
  'audit',
  'version',
  'config',
  'cache',
  'set',
  'init',
  'deploy',
];

/** What npm, Yarn, pnpm, npx or Corepack runs; `undefined`, when the command is none of theirs. */
export function packageRunOf(words: readonly string[]): PackageRun | undefined {
  const name = basename(words[0] ?? '');
  if (name === 'corepack') return packageRunOf(words.slice(1));
  const manager = Object.hasOwn(managers, name) ? managers[name] : undefined;
  if (!manager) return undefined;
  const { rest, isElsewhere, line } = withoutFlags(words.slice(1));
  const base = { manager, isElsewhere, mayBeProgram: false };
  if (/^(npx|pnpx)/.test(name)) return { ...base, words: rest, line };
  const [verb, ...others] = rest;
  switch (verb) {
    case 'run':
    case 'run-script':
    case 'rum':
      return script(base, withoutFlags(others));
    case 'exec':
    case 'x':
    case 'dlx': {
      const program = withoutFlags(others);
      return { ...base, words: program.rest, line: program.line };
    }
    case 'node':
      return { ...base, words: ['node', ...others] };
    case 'workspace':
      return script(
        { ...base, isElsewhere: true },
        withoutFlags(others[1] === 'run' ? others.slice(2) : others.slice(1)),
      );
    case 'workspaces':
      return { ...base, isElsewhere: true, words: [] };
    case undefined:
      return { ...base, words: [] };
  }
  if (manager === 'npm' && !ownScripts.includes(verb)) return { ...base, words: [] };
  if (ownCommands.includes(verb)) return { ...base, words: [] };
  return { ...base, script: verb, mayBeProgram: manager !== 'npm', words: others };
}

interface Rest {
  readonly rest: readonly string[];
  readonly isElsewhere: boolean;
  readonly line?: string;
}

function script(base: Omit<PackageRun, 'words'>, { rest: [name, ...words], isElsewhere }: Rest): PackageRun {
  const given = words[0] === '--' ? words.slice(1) : words;
  return { ...base, script: name, words: given, isElsewhere: base.isElsewhere || isElsewhere };
}

/** The words from the first that is no flag. */
function withoutFlags(words: readonly string[]): Rest {
  let isElsewhere = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const flag = word.split('=')[0]!;
    if (elsewhere.includes(flag)) isElsewhere = true;
    if (word === '-c' || flag === '--call') {
      return {
        rest: [],
        isElsewhere,
        line: word.includes('=') ? word.slice(word.indexOf('=') + 1) : (words[at + 1] ?? ''),
      };
    }
    if (word === '--') return { rest: words.slice(at + 1), isElsewhere };
    if (!word.startsWith('-')) return { rest: words.slice(at), isElsewhere };
    if (!word.includes('=') && (valued.includes(word) || elsewhere.includes(word))) at++;
  }
  return { rest: [], isElsewhere };
}

/** Measured with npm 6 to 11, pnpm 8 to 10, Yarn 1 and 4: docs/doctor.md. */
export function passingOf(
  { manager, script }: PackageRun,
  habitat: Habitat,
  isProgram: boolean,
  isExec: boolean,
): [Passing, Partial<Step>] {
  if (manager === 'yarn' && habitat.yarn === 'modern') return ['forwards', {}];
  if (manager === 'yarn' && habitat.yarn === undefined) {
    return ['unknown', { why: 'Yarn 1 ends at once, before node has drained; Yarn 2 and later wait for it' }];
  }
  if (manager === 'yarn') return ['cuts', { why: 'Yarn 1 ends at once, before node has drained' }];
  if (manager === 'pnpm' && isProgram) return ['cuts', { why: 'pnpm exec ends at once, before node has drained' }];
  if (isExec) return ['forwards', {}];
  const runs = `${manager} runs ${script === undefined ? 'it' : 'the script'} below /bin/sh`;
  switch (habitat.shell) {
    case 'busybox':
    case 'bash':
      return ['forwards', {}];
    case 'unknown':
      return ['unknown', { why: `${runs}: dash, as on Debian, does not pass SIGTERM on; BusyBox, as on Alpine, does` }];
    case 'dash':
      return ['swallows', { why: `${runs}, which does not pass SIGTERM on` }];
    case 'unsaid':
      return ['swallows', { why: `${runs}, which does not pass SIGTERM on (BusyBox's does, as in images of Alpine)` }];
  }
}
