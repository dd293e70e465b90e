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

/** What the image starts with, as far as the file says: instructions of earlier stages count only where the last one builds on them. */
export interface Dockerfile {
  readonly entrypoint?: Instruction;
  readonly cmd?: Instruction;
  readonly stopSignal?: Instruction;
}

/** @throws BadInputError when no stage begins */
export function readDockerfile({ name, text }: Source): Dockerfile {
  const instructions = instructionsOf(name, text);
  if (!instructions.some((each) => each.name === 'FROM')) {
    throw new BadInputError(name, 'Expected a Dockerfile, got no FROM instruction. Check which file it is.');
  }
  const inForce = instructionsInForce(instructions);
  const last = (wanted: string) => inForce.findLast((each) => each.name === wanted);
  const entrypoint = last('ENTRYPOINT');
  return { entrypoint, cmd: last('CMD'), stopSignal: last('STOPSIGNAL') };
}

/** The words of an exec form; `undefined` for a shell form. What looks like an exec form and is not JSON is run by a shell. */
export function execForm({ text }: Instruction): readonly string[] | undefined {
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined;
  }
}

/** Those of the last stage, after those of the stages it is built on. */
function instructionsInForce(instructions: readonly Instruction[]): readonly Instruction[] {
  const stages: { alias?: string; base: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') {
      const [base = '', as, alias] = instruction.text.split(/\s+/).filter((word) => !word.startsWith('--'));
      stages.push({ base, alias: as?.toLowerCase() === 'as' ? alias?.toLowerCase() : undefined, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push(instruction);
    }
  }
  const inForce: Instruction[] = [];
  for (let at = stages.length - 1; at >= 0;) {
    const { base, instructions: own } = stages[at]!;
    inForce.unshift(...own);
    const builtOn = base.toLowerCase();
    at = stages.slice(0, at).findLastIndex(({ alias }) => alias === builtOn);
  }
  return inForce;
}

function instructionsOf(file: string, text: string): readonly Instruction[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const escape = /^\s*#\s*escape\s*=\s*`/im.test(lines.slice(0, 3).join('\n')) ? '`' : '\\';
  const instructions: Instruction[] = [];
  for (let at = 0; at < lines.length; at++) {
    const place = { file, line: at + 1 };
    let joined = '';
    for (; at < lines.length; at++) {
      const line = lines[at]!.trim();
      if (line.startsWith('#') || (line === '' && joined !== '')) continue;
      const goesOn = line.endsWith(escape);
      joined += goesOn ? `${line.slice(0, -1)} ` : line;
      if (!goesOn) break;
    }
    const [, name, rest = ''] = /^(\w+)(?:\s+([^]*))?$/.exec(joined.trim()) ?? [];
    if (!name) continue;
    instructions.push({ name: name.toUpperCase(), text: rest.trim(), place: firstWordAt(place, lines) });
    at = endOfHeredocs(name, rest, lines, at);
  }
  return instructions;
}

/** Comments may stand before the instruction. */
function firstWordAt({ file, line }: Place, lines: readonly string[]): Place {
  let at = line - 1;
  while (at < lines.length - 1 && /^\s*(#|$)/.test(lines[at]!)) at++;
  return { file, line: at + 1 };
}

function endOfHeredocs(name: string, text: string, lines: readonly string[], at: number): number {
  if (!/^(run|copy|add)$/i.test(name)) return at;
  let end = at;
  for (const [, word] of text.matchAll(/<<-?["']?(\w+)["']?/g)) {
    const found = lines.findIndex((line, index) => index > end && line.trim() === word);
    if (found === -1) return lines.length;
    end = found;
  }
  return end;
}
