import { type AST, getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';
import { BadInputError } from '../bad-input.js';
import { type Place } from '../finding.js';
import { type Source } from './source.js';

/** A table of TOML: values by their path from the top, with their places. */
export interface Toml {
  readonly value: Readonly<Record<string, unknown>>;
  /** Where a path is said; where its nearest table begins, when it is not. */
  readonly placeOf: (path: readonly (string | number)[]) => Place;
}

/** @throws BadInputError when it is not TOML */
export function readToml({ name, text }: Source): Toml {
  const program = parse(name, text);
  const places = new Map<string, Place>();
  const top = program.body[0];
  const note = (path: readonly (string | number)[], line: number) => {
    const key = JSON.stringify(path);
    if (!places.has(key)) places.set(key, { file: name, line });
  };
  const keyValue = (node: AST.TOMLKeyValue, above: readonly (string | number)[]) =>
    note(
      [...above, ...node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value))],
      node.loc.start.line,
    );
  for (const node of top.body) {
    if (node.type === 'TOMLKeyValue') {
      keyValue(node, []);
      continue;
    }
    note(node.resolvedKey, node.loc.start.line);
    for (const each of node.body) keyValue(each, node.resolvedKey);
  }
  return {
    value: getStaticTOMLValue(program),
    placeOf: (path) => {
      for (let length = path.length; length > 0; length--) {
        const place = places.get(JSON.stringify(path.slice(0, length)));
        if (place) return place;
      }
      return { file: name, line: 1 };
    },
  };
}

function parse(file: string, text: string): AST.TOMLProgram {
  try {
    return parseTOML(text);
  } catch (error) {
    const { message, lineNumber = 1 } = error as { message?: string; lineNumber?: number };
    throw new BadInputError({ file, line: lineNumber }, `Expected TOML: ${message ?? String(error)}. Correct it.`);
  }
}
