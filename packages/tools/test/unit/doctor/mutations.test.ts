import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type Diagnosis, examine } from '../../../src/doctor/diagnose.js';
import { rules } from '../../../src/doctor/rules/index.js';
import { type Source } from '../../../src/doctor/read/source.js';
import { rows } from './sibling-rows.js';
import { cleanSources, folder } from './support/fixtures.js';

/** How many files are made: 2,000 before a release, fewer day by day. */
const count = Number(process.env.DOCTOR_MUTATIONS ?? 200);
/** Each configuration that is a program takes a process. */
const programs = Math.ceil(count / 20);

/** A generator of numbers that are the same every time (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const shreds = [
  ...[
    '\n',
    ' ',
    '---\n',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    ': ',
    '- ',
    '&a ',
    '*a',
    '<<: *a',
    '|\n',
    '\\\n',
    '#',
    '\t',
    '%',
  ],
  ...[
    '{{ x }}',
    '100%',
    '-1',
    '0',
    '1e9',
    '99999999999',
    'null',
    '!!x ',
    '<<EOF',
    '\0',
    '\u{1F600}',
    '? ',
    '${X}',
    '\r\n',
  ],
  ...[
    'kind: Pod\n',
    'kind: List\nitems:\n',
    'containers: []',
    'maxUnavailable: 100%',
    'serving.knative.dev/v1',
    '\uFEFF',
  ],
];

type Next = (below: number) => number;

const lineAt = (text: string, next: Next) => {
  const lines = text.split('\n');
  return { lines, at: next(lines.length) };
};

/** Ways to spoil a text: of letters, of lines, of values. */
const spoilers: readonly ((text: string, next: Next) => string)[] = [
  (text, next) => {
    const at = next(text.length + 1);
    return text.slice(0, at) + shreds[next(shreds.length)]! + text.slice(at + next(12));
  },
  (text, next) => {
    const { lines, at } = lineAt(text, next);
    return [...lines.slice(0, at), ...lines.slice(at + 1 + next(3))].join('\n');
  },
  (text, next) => {
    const { lines, at } = lineAt(text, next);
    return [...lines.slice(0, at), lines[at], ...lines.slice(at)].join('\n');
  },
  (text, next) => {
    const { lines, at } = lineAt(text, next);
    return lines.map((line, index) => (index === at ? `${' '.repeat(next(4))}${line}` : line)).join('\n');
  },
  (text, next) => {
    const { lines, at } = lineAt(text, next);
    const spoilt = lines[at]!.replace(/: [^{[].*$/, `: ${shreds[next(shreds.length)]!}`);
    return [...lines.slice(0, at), spoilt, ...lines.slice(at + 1)].join('\n');
  },
  (text, next) => text.slice(0, next(text.length + 1)),
];

function mutant({ text }: Source, next: Next): string {
  let mutated = text;
  for (let times = 1 + next(4); times > 0; times--) mutated = spoilers[next(spoilers.length)]!(mutated, next);
  return mutated;
}

const read = (name: string): Source => ({ name, text: readFileSync(`${folder}/${name}`, 'utf8') });
const sources: readonly Source[] = [
  ...cleanSources.filter(({ name }) => !/\.c?js$/.test(name)),
  ...readdirSync(`${folder}/tutorials`)
    .filter((name) => !/\.c?js$/.test(name))
    .map((name) => read(`tutorials/${name}`)),
  ...rows.map(([, text]) => ({ name: 'row.yaml', text })),
];

const ids = new Set(rules.map(({ id }) => id));

function check({ name, text }: Source, { findings, notes, notChecked }: Diagnosis): void {
  const lines = text.split('\n').length;
  for (const { rule, line, file, object, what, fix } of findings) {
    expect(ids).toContain(rule);
    expect([line >= 1, line <= lines, file]).toEqual([true, true, name]);
    expect([object.kind, object.name].every((each) => each.length > 0)).toBe(true);
    expect(`${what} ${fix}`).not.toMatch(/\n|undefined|NaN|Infinity|\[object/);
  }
  for (const { file, line } of notChecked) expect([file, line >= 1, line <= lines]).toEqual([name, true, true]);
  expect(`${notes.join()} ${notChecked.map(({ what }) => what).join()}`).not.toMatch(/\n|undefined|NaN|\[object/);
}

function examineAll(kinds: readonly Source[], times: number): void {
  const next = numbers(42);
  for (let round = 0; round < times; round++) {
    const source = kinds[next(kinds.length)]!;
    const text = mutant(source, next);
    try {
      check({ name: source.name, text }, examine([{ name: source.name, text }]));
    } catch (error) {
      throw new Error(`Round ${round}, of ${source.name}:\n${text}`, { cause: error });
    }
  }
}

describe('examine, of files that were valid before', () => {
  it(
    'says of each what is wrong, or what was not checked',
    () => {
      examineAll(sources, count);
    },
    10_000 + count * 50,
  );

  it(
    'says it of programs, too',
    () => {
      examineAll(
        cleanSources.filter(({ name }) => /\.c?js$/.test(name)),
        programs,
      );
    },
    10_000 + programs * 1_000,
  );
});
