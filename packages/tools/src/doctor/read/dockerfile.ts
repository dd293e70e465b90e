import { DockerfileParser, From, type Instruction as Parsed } from 'dockerfile-ast';
import { BadInputError } from '../bad-input.js';
import { type Place } from '../finding.js';
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
  readonly entrypoint?: Instruction;
  readonly cmd?: Instruction;
  readonly stopSignal?: Instruction;
}

/** @throws BadInputError when no stage begins */
export function readDockerfile({ name, text }: Source): Dockerfile {
  const instructions = DockerfileParser.parse(text.replace(/^\uFEFF/, '')).getInstructions();
  if (!instructions.some((each) => each instanceof From)) {
    throw new BadInputError(name, 'Expected a Dockerfile, got no FROM instruction. Check which file it is.');
  }
  const inForce = instructionsInForce(instructions);
  const last = (wanted: string): Instruction | undefined => {
    const found = inForce.findLast((each) => each.getKeyword() === wanted);
    if (!found) return undefined;
    const place = { file: name, line: found.getRange().start.line + 1 };
    // Its own text holds the comments between its lines.
    const words = found.getArguments().map((argument) => argument.getValue());
    return { name: wanted, text: words.join(' '), place };
  };
  return { entrypoint: last('ENTRYPOINT'), cmd: last('CMD'), stopSignal: last('STOPSIGNAL') };
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

/** Those of the last stage, after those of the stages it is built on. */
function instructionsInForce(instructions: readonly Parsed[]): readonly Parsed[] {
  const stages: { from: From; instructions: Parsed[] }[] = [];
  for (const instruction of instructions) {
    if (instruction instanceof From) stages.push({ from: instruction, instructions: [] });
    else stages.at(-1)?.instructions.push(instruction);
  }
  const inForce: Parsed[] = [];
  for (let at = stages.length - 1; at >= 0;) {
    const { from, instructions: own } = stages[at]!;
    inForce.unshift(...own);
    const builtOn = from.getImage()?.toLowerCase();
    at = stages.slice(0, at).findLastIndex((stage) => stage.from.getBuildStage()?.toLowerCase() === builtOn);
  }
  return inForce;
}
