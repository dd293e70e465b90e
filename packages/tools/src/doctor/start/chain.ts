import { basename } from 'node:path';
import { isChain, plainWords } from './lines.js';
import { type End, type ShellRun } from './ends.js';
import { endsOf } from './shell.js';
import { packageRunOf, type PackageRun, passingOf } from './package-managers.js';
import {
  developmentRunners,
  processManagers,
  scriptRunners,
  shells,
  sourceRunners,
  valueFlags,
  whyWatch,
} from './programs.js';
import { type Chain, type Habitat, type Passing, type ScriptText, type ShellKind, type Step } from './step.js';
import { unwrap } from './wrappers.js';

/** Scripts of package.json may run each other. */
const deepest = 12;

/** A command that is followed, and what came before it. */
interface Followed {
  readonly words: readonly string[];
  readonly habitat: Habitat;
  readonly before: readonly string[];
  /** Where its words are written, if not where the start is. */
  readonly at?: Step['at'];
  readonly depth: number;
}

/** The ways that SIGTERM may take from a command, in exec form, to node: one for each branch of a script. */
export function chainsOf(words: readonly string[], habitat: Habitat): readonly Chain[] {
  return follow({ words, habitat, before: [], depth: 0 });
}

/** The same of a line that a shell runs. */
export function chainsOfLine(line: string, shell: string, habitat: Habitat): readonly Chain[] {
  return follow({ words: [...shell.split(' '), line], habitat, before: [], depth: 0 });
}

function follow(followed: Followed): readonly Chain[] {
  const words = withoutVariables(followed.words);
  const [program] = words;
  if (program === undefined || followed.depth > deepest) return [[]];
  if (program === '$0') return [[]]; // the script once more, as another user
  const name = basename(program);
  const step = (kind: Step['kind'], passing: Passing, more: Partial<Step> = {}): Step => ({
    kind,
    program: words.join(' '),
    words,
    passing,
    before: followed.before,
    at: followed.at,
    ...more,
  });
  const then = (first: Step, chains: readonly Chain[]) => chains.map((chain) => [first, ...chain]);
  const further = (next: Partial<Followed>) => follow({ ...followed, before: [], ...next, depth: followed.depth + 1 });

  const wrapped = unwrap(words);
  if (wrapped) {
    const { wrapper, before, command, line, signal } = wrapped;
    const first = step(wrapper.kind ?? 'wrapper', wrapper.passing, { why: wrapper.why, signal, program: name });
    const isKept = signal === undefined && wrapper.passing !== 'cuts' && wrapper.passing !== 'swallows';
    const kept = isKept ? [...followed.before, ...before] : followed.before;
    if (line === undefined) return then(first, further({ words: command, before: kept }));
    return then(first, further({ words: name === 'env' ? splitWords(line) : ['sh', '-c', line] }));
  }
  if (name === 'docker-entrypoint.sh' && isOfImage(program, followed.habitat)) {
    return further({ words: words.slice(1), before: followed.before });
  }
  if (Object.hasOwn(shells, name)) return ofShell(followed, words, step);
  const run = packageRunOf(words);
  if (run) return ofPackageManager(followed, run, step);
  if (developmentRunners.includes(name))
    return [[step('development-runner', 'swallows', { program: [name, ...words.slice(1)].join(' ') })]];
  if (sourceRunners.includes(name)) {
    const isWatching = words.some((word) => /^(--)?watch$/.test(word));
    return [[isWatching ? step('development-runner', 'unknown', { why: whyWatch }) : step('program', 'forwards')]];
  }
  if (scriptRunners.includes(name)) {
    const isSure = followed.habitat.shell === 'dash' || isUnnamed(followed.habitat);
    const why = 'it runs scripts of package.json below a shell, and does not pass SIGTERM on';
    return [[step('package-manager', isSure ? 'swallows' : 'unknown', { why })]];
  }
  if (name === 'bun' && words[1] === 'run' && !/\.[cm]?[jt]sx?$/.test(words[2] ?? '')) {
    return [[step('package-manager', 'unknown', { why: 'what bun run does with SIGTERM is not known here' })]];
  }
  if (processManagers.includes(name)) return [[step('process-manager', 'unknown')]];
  if (name === 'node' || name === 'nodejs') {
    const assigned = followed.words.slice(0, followed.words.length - words.length);
    return ofNode(followed, words, step).map((chain) => chain.map((each) => withVariables(each, assigned)));
  }
  const script = followed.habitat.scriptAt(program);
  if (script || /\.(sh|bash)$|entrypoint|^(start|run|boot)$/.test(name)) return ofScript(followed, words, script, step);
  const inner = words.findIndex((word, at) => at > 0 && /^(node|npm|npx|yarn|pnpm)$/.test(basename(word)));
  if (inner === -1 || /\.[cm]?[jt]s$/.test(name)) return [[step('program', 'execs')]];
  const why = `what ${name} does with SIGTERM is not known here`;
  return then(step('wrapper', 'unknown', { program: name, why }), further({ words: words.slice(inner) }));
}

type MakeStep = (kind: Step['kind'], passing: Passing, more?: Partial<Step>) => Step;

function ofShell(followed: Followed, words: readonly string[], step: MakeStep): readonly Chain[] {
  const named = shells[basename(words[0]!)]!;
  const shell = named === 'sh' ? followed.habitat.shell : named;
  const flag = words.findIndex((word, at) => at > 0 && /^[-+]\w*c\w*$/.test(word));
  if (flag === -1) {
    const file = words.findIndex((word, at) => at > 0 && !/^[-+]/.test(word) && words[at - 1] !== '-o');
    if (file === -1) return [[step('shell', 'swallows', { program: words[0]! })]];
    const path = words[file]!;
    return ofScript(followed, words.slice(file), followed.habitat.scriptAt(path), step);
  }
  // `bash -c -o pipefail 'line'`
  const at = words.findIndex((word, index) => index > flag && !/^[-+]/.test(word) && words[index - 1] !== '-o');
  const line = at === -1 ? '' : words[at]!;
  const run: ShellRun = { shell, isFile: false, parameters: words.slice(at + 2), sourced: followed.habitat.scriptAt };
  const program = words.slice(0, at === -1 ? flag + 1 : at).join(' ');
  return ofEnds(followed, endsOf(line, run), (end) =>
    step('shell', end.passing, { program, why: end.why ?? whyShell(shell, end.passing), signal: end.signal }),
  );
}

function ofScript(
  followed: Followed,
  words: readonly string[],
  script: ScriptText | undefined,
  step: MakeStep,
): readonly Chain[] {
  const [path, ...parameters] = words;
  if (!script) return [[step('script', 'unknown', { program: path!, why: 'what it ends in is not known' })]];
  const [, interpreter = 'sh'] = /^#!.*?([\w.-]+)(?:\s+-\w+)*\s*$/m.exec(script.text.split('\n')[0]!) ?? [];
  if (!Object.hasOwn(shells, interpreter)) {
    return interpreter === 'node' ? [[step('node', 'execs')]] : [[step('program', 'execs')]];
  }
  const named = shells[interpreter]!;
  const shell = named === 'sh' ? followed.habitat.shell : named;
  const run: ShellRun = { shell, isFile: true, parameters, sourced: followed.habitat.scriptAt };
  const placed = (end: End) => ({ file: script.at.file, line: script.at.line + end.line - 1 });
  return ofEnds(
    followed,
    endsOf(script.text, run),
    (end) =>
      step('script', end.passing, {
        program: path!,
        why: end.why ?? `its last command is '${end.text}', without exec`,
        signal: end.signal,
        at: placed(end),
      }),
    placed,
  );
}

/** One chain for each command that a script may end in. */
function ofEnds(
  followed: Followed,
  ends: readonly End[],
  stepOf: (end: End) => Step,
  placeOf: (end: End) => Step['at'] = () => followed.at,
): readonly Chain[] {
  if (ends.length === 0) {
    const nothing: End = {
      words: [],
      passing: 'unknown',
      why: 'what it ends in cannot be told',
      isExec: false,
      text: '',
      line: 1,
    };
    return [[stepOf(nothing)]];
  }
  return ends.flatMap((end) => {
    const { habitat, depth } = followed;
    const chains = follow({ words: end.words, habitat, before: [], at: placeOf(end), depth: depth + 1 });
    return chains.map((chain) => [stepOf(end), ...chain]);
  });
}

function ofPackageManager(followed: Followed, run: PackageRun, step: MakeStep): readonly Chain[] {
  const { habitat, depth } = followed;
  const script = run.script === undefined || run.isElsewhere ? undefined : habitat.packageScript(run.script);
  const isProgram = run.script === undefined || (run.mayBeProgram && !script && habitat.hasPackage && !run.isElsewhere);
  const line = run.line ?? script?.text;
  const program = isProgram && run.script !== undefined ? [run.script, ...run.words] : run.words;
  const shell = habitat.shell === 'unsaid' ? 'dash' : habitat.shell;
  // What it runs is a line for a shell, or something of which nothing is known: one simple command, then.
  const ends =
    line === undefined
      ? []
      : endsOf(run.words.length > 0 ? `${line} ${run.words.join(' ')}` : line, { shell, isFile: false });
  const isExec = ends.length > 0 && ends.every((end) => end.isExec);
  const first = step('package-manager', ...passingOf(run, habitat, isProgram, isExec));
  const at = script?.at ?? followed.at;
  if (line === undefined) {
    const words = isProgram ? program : [];
    return follow({ words, habitat, before: [], at, depth: depth + 1 }).map((chain) => [first, ...chain]);
  }
  return ends.flatMap((end) => {
    const chains = follow({ words: end.words, habitat, before: [], at, depth: depth + 1 });
    const isModern = run.manager === 'yarn' && habitat.yarn === 'modern';
    if (!isChain(line) || isModern) return chains.map((chain) => [first, ...chain]);
    const between: Step = {
      kind: 'shell',
      program: line,
      words: [line],
      passing: end.passing,
      why: end.why ?? whyShell(shell, end.passing),
      at,
      before: [],
    };
    return chains.map((chain) => [first, between, ...chain]);
  });
}

function ofNode(followed: Followed, words: readonly string[], step: MakeStep): readonly Chain[] {
  const watch = words.find((word) => /^--watch\b/.test(word));
  if (watch !== undefined)
    return [[step('development-runner', 'unknown', { program: `node ${watch}`, why: whyWatch })]];
  const run = words.findIndex((word) => /^--run\b/.test(word));
  if (run !== -1) return [[step('package-manager', 'swallows', { why: 'node --run does not pass SIGTERM on' })]];
  const at = words.findIndex(
    (word, index) => index > 0 && !word.startsWith('-') && !valueFlags.includes(words[index - 1]!),
  );
  const script = words[at];
  if (script === undefined || !/(^|\/)(node_modules|npm|yarn|pnpm|corepack)\/|yarn-[\d.]+\.cjs$/.test(script))
    return [[step('node', 'execs')]];
  const name = /yarn-[\d.]+\.cjs$/.test(script) ? 'yarn' : basename(script);
  const inner = follow({ ...followed, words: [name, ...words.slice(at + 1)], depth: followed.depth + 1 });
  return inner.some((chain) => chain[0]?.kind !== 'program') ? inner : [[step('node', 'execs')]];
}

function whyShell(shell: ShellKind, passing: Passing): string | undefined {
  if (passing !== 'unknown') return undefined;
  if (shell === 'busybox') return 'BusyBox may not become its last command where a line break follows it';
  return shell === 'unknown'
    ? 'dash, as on Debian, stays in between; BusyBox, as on Alpine, becomes its last command'
    : undefined;
}

/** The one of the official images of node stands in the path; an image of which nothing is known may well have it. */
function isOfImage(program: string, habitat: Habitat): boolean {
  if (habitat.hasOwnEntrypoint) return !program.includes('/') || program.startsWith('/usr/local/bin/');
  return isUnnamed(habitat) && !habitat.scriptAt(program);
}

function isUnnamed({ shell }: Habitat): boolean {
  return shell === 'unsaid';
}

/** What is to be started instead of a shell keeps the variables that the shell would set. */
function withVariables(step: Step, assigned: readonly string[]): Step {
  return step.kind === 'node' && assigned.length > 0 ? { ...step, words: ['env', ...assigned, ...step.words] } : step;
}

function splitWords(line: string): readonly string[] {
  return plainWords(line) ?? line.split(/\s+/).filter(Boolean);
}

function withoutVariables(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word) => !/^\w+=/.test(word));
  return start === -1 ? [] : words.slice(start);
}
