import { posix } from 'node:path';
import { DockerfileParser, From, type Instruction as Parsed } from 'dockerfile-ast';
import { BadInputError } from '../bad-input.js';
import { type Place } from '../finding.js';
import { type ScriptText } from '../start/step.js';
import { type Source } from './source.js';

/** One instruction, its continuation lines joined. */
export interface Instruction {
  /** In capitals. */
  readonly name: string;
  readonly text: string;
  readonly place: Place;
}

/**
 * What the image starts with, as far as the file says: instructions of earlier stages count only where the last one
 * builds on them.
 */
export interface Dockerfile {
  readonly file: string;
  readonly entrypoint?: Instruction;
  readonly cmd?: Instruction;
  readonly stopSignal?: Instruction;
  readonly shell?: Instruction;
  /** The image at the bottom; variables without a value stay in it. */
  readonly base: string;
  /** What is run to build it, and what is copied into it: a line each. */
  readonly built: readonly string[];
  /** The script of this path in the image, as it stands beside the file. */
  readonly scriptAt: (path: string) => ScriptText | undefined;
  /** Reports whether a file of this name is copied from outside the image. */
  readonly copies: (name: string) => boolean;
}

/**
 * @param beside reads files of the folder that the Dockerfile is in
 * @throws BadInputError when no stage begins
 */
export function readDockerfile({ name, text }: Source, beside: (name: string) => string | undefined): Dockerfile {
  const instructions = DockerfileParser.parse(text.replace(/^\uFEFF/, '')).getInstructions();
  if (!instructions.some((each) => each instanceof From)) {
    throw new BadInputError(name, 'Expected a Dockerfile, got no FROM instruction. Check which file it is.');
  }
  const { inForce, base } = instructionsInForce(instructions);
  const of = (found: Parsed): Instruction => ({
    name: found.getKeyword(),
    // Its own text holds the comments between its lines.
    text: found
      .getArguments()
      .map((argument) => argument.getValue())
      .join(' '),
    place: { file: name, line: found.getRange().start.line + 1 },
  });
  const last = (wanted: string): Instruction | undefined => {
    const found = inForce.findLast((each) => each.getKeyword() === wanted);
    return found && of(found);
  };
  const entrypoint = last('ENTRYPOINT');
  const built = inForce.filter((each) => ['RUN', 'COPY', 'ADD', 'ENV'].includes(each.getKeyword())).map(of);
  const heredocs = heredocsIn(text);
  const copies = built.filter(({ name: keyword }) => keyword === 'COPY' || keyword === 'ADD').map(copyOf);
  return {
    file: name,
    entrypoint,
    // An ENTRYPOINT leaves nothing of a CMD that stands in the image it builds on.
    cmd: last('CMD'),
    stopSignal: last('STOPSIGNAL'),
    shell: last('SHELL'),
    base: resolved(base, instructions),
    built: built.map((each) => `${each.name} ${each.text}`),
    scriptAt: (path) => {
      const inline = heredocs.find(({ target }) => posix.normalize(target) === posix.normalize(path));
      if (inline) return { text: inline.text, at: { file: name, line: inline.line } };
      for (const candidate of candidatesFor(path, copies)) {
        const script = beside(candidate);
        if (script !== undefined) return { text: script, at: { file: pathBeside(name, candidate), line: 1 } };
      }
      return undefined;
    },
    copies: (wanted) =>
      copies.some(({ sources, target }) => [...sources, target].some((each) => posix.basename(each) === wanted)),
  };
}

/**
 * The words of an exec form; `undefined` for a shell form. What looks like an exec form and is not JSON is run by a
 * shell.
 */
export function execForm({ text }: Instruction): readonly string[] | undefined {
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined;
  }
}

/** Files whose text stands in the Dockerfile: `COPY <<EOF /start.sh`. */
function heredocsIn(text: string): readonly { target: string; text: string; line: number }[] {
  const lines = text.split(/\r?\n/);
  return lines.flatMap((each, at) => {
    const [, dash, word, target] = /^\s*(?:COPY|ADD)\s.*?<<(-?)["']?(\w+)["']?\s+(\S+)\s*$/i.exec(each) ?? [];
    if (target === undefined) return [];
    const end = lines.findIndex((line, index) => index > at && (dash ? line.trim() : line) === word);
    if (end === -1) return [];
    return [{ target, text: `${lines.slice(at + 1, end).join('\n')}\n`, line: at + 2 }];
  });
}

interface Copy {
  /** Those of another stage are left out. */
  readonly sources: readonly string[];
  readonly target: string;
}

function copyOf({ text }: Instruction): Copy {
  const words = (/^\[/.test(text) ? (JSON.parse(jsonOr(text)) as readonly string[]) : text.split(/\s+/)).filter(
    Boolean,
  );
  const paths = words.filter((word) => !word.startsWith('--'));
  const isOfStage = words.some((word) => word.startsWith('--from='));
  return { sources: isOfStage ? [] : paths.slice(0, -1), target: paths.at(-1) ?? '' };
}

function jsonOr(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return '[]';
  }
}

/** Where a script of the image may stand in the folder: as it is copied, and below the folder that is copied whole. */
function candidatesFor(path: string, copies: readonly Copy[]): readonly string[] {
  const wanted = posix.basename(path);
  const copied = copies.flatMap(({ sources, target }) =>
    posix.basename(target) === wanted && sources.length === 1
      ? sources
      : sources.filter((source) => posix.basename(source) === wanted),
  );
  const parts = posix
    .normalize(path)
    .split('/')
    .filter((part) => part && part !== '.' && part !== '..');
  const suffixes = parts.map((_, at) => parts.slice(at).join('/'));
  return [...new Set([...copied, ...suffixes])].filter((each) => !/[$*?]/.test(each) && !each.startsWith('..'));
}

function pathBeside(file: string, name: string): string {
  return posix.join(posix.dirname(file), name);
}

/** Those of the last stage, after those of the stages it is built on; and the image below all. */
function instructionsInForce(instructions: readonly Parsed[]): { inForce: readonly Parsed[]; base: string } {
  const stages: { from: From; instructions: Parsed[] }[] = [];
  for (const instruction of instructions) {
    if (instruction instanceof From) stages.push({ from: instruction, instructions: [] });
    else stages.at(-1)?.instructions.push(instruction);
  }
  const inForce: Parsed[] = [];
  let base = '';
  for (let at = stages.length - 1; at >= 0;) {
    const { from, instructions: own } = stages[at]!;
    const hasEntrypoint = own.some((each) => each.getKeyword() === 'ENTRYPOINT');
    const reset = hasEntrypoint ? own.findIndex((each) => each.getKeyword() === 'ENTRYPOINT') : -1;
    inForce.unshift(...own);
    base = from.getImage() ?? '';
    const builtOn = base.toLowerCase();
    at = stages.slice(0, at).findLastIndex((stage) => stage.from.getBuildStage()?.toLowerCase() === builtOn);
    // An ENTRYPOINT drops the CMD of the image that its stage builds on.
    if (reset !== -1 && at !== -1) dropCmd(stages[at]!);
  }
  return { inForce, base };
}

function dropCmd(stage: { instructions: Parsed[] }): void {
  stage.instructions = stage.instructions.filter((each) => each.getKeyword() !== 'CMD');
}

/** Puts in the defaults of the `ARG`s before the first stage. */
function resolved(image: string, instructions: readonly Parsed[]): string {
  const values = new Map<string, string>();
  for (const instruction of instructions) {
    if (instruction instanceof From) break;
    if (instruction.getKeyword() !== 'ARG') continue;
    for (const argument of instruction.getArguments()) {
      const [, name, value] = /^(\w+)=["']?(.*?)["']?$/s.exec(argument.getValue()) ?? [];
      if (name !== undefined && value !== undefined) values.set(name, value);
    }
  }
  let text = image;
  for (let round = 0; round < 5 && text.includes('$'); round++) {
    text = text.replace(
      /\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))/g,
      (whole, braced?: string, otherwise?: string, bare?: string) => {
        return values.get(braced ?? bare ?? '') ?? otherwise ?? whole;
      },
    );
  }
  return text;
}
