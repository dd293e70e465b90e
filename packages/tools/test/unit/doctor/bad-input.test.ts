import { describe, expect, it } from '@jest/globals';
import { BadInputError } from '../../../src/doctor/bad-input.js';
import { diagnose } from '../../../src/doctor/diagnose.js';
import { rules } from '../../../src/doctor/rules/index.js';
import { cleanSources } from './support/fixtures.js';

describe('diagnose, of what it cannot read', () => {
  it.each([
    ['a.yaml', '', 'a.yaml: Expected a file of a known format, got an empty one.'],
    [
      'a.yaml',
      'a: 1\n',
      "a.yaml: Expected a file of a format that nestjs-drain doctor --help lists, got no object with a 'kind'.",
    ],
    ['a.yaml', 'kind: Pod\nspec: [\n', 'a.yaml:3: Expected YAML: '],
    ['a.yaml', 'kind: Pod\n  spec: 1\n', 'a.yaml:1: Expected YAML: '],
    ['a.yaml', '{{- if .Values.a }}\nkind: Pod\n{{- end }}\n', 'Templates have to be rendered first: helm template'],
    [
      'a.yaml',
      'kind: Pod\nspec:\n  replicas: {{ .Values.replicas }}\n',
      'a.yaml:3: Templates have to be rendered first: helm template',
    ],
    ['kustomization.yaml', 'resources: [a.yaml]\n', 'kubectl kustomize'],
    ['Dockerfile', 'RUN x\n', 'Dockerfile: Expected a Dockerfile, got no FROM instruction.'],
    ['package.json', '{ "scripts": ', 'package.json: Expected JSON: '],
    ['package.json', '[]', 'package.json: Expected a JSON object'],
    ['ecosystem.config.js', 'module.exports = {', 'ecosystem.config.js:1: Expected a module: '],
    [
      'ecosystem.config.js',
      'module.exports = {};',
      "ecosystem.config.js: Expected a PM2 configuration, got no 'apps' with a 'script'.",
    ],
    [
      'ecosystem.config.json',
      '{"apps": []}',
      "ecosystem.config.json: Expected a PM2 configuration, got no 'apps' with a 'script'.",
    ],
    ['ecosystem.config.json', 'apps', 'ecosystem.config.json: Expected JSON: '],
  ])('says it in one line: %s %j', (name, text, message) => {
    expect(() => diagnose([{ name, text }])).toThrow(BadInputError);
    expect(() => diagnose([{ name, text }])).toThrow(message);
    expect(() => diagnose([{ name, text }])).not.toThrow('\n');
  });

  it('ignores a list that is empty, comments and empty documents', () => {
    const text = '# nothing\n---\n---\nkind: List\nitems: []\n---\nkind: Service\n...\n';
    expect(diagnose([{ name: 'a.yaml', text }])).toEqual([]);
  });
});

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
  '{{ x }}',
  '\t',
  '%',
  '100%',
  '-1',
  '1e9',
  'null',
  '!!x ',
  '<<EOF',
  '\0',
  '\u{1F600}',
  'kind: Pod\n',
  '? ',
];

describe('diagnose, of mangled files', () => {
  const ids = new Set(rules.map(({ id }) => id));

  it.each(cleanSources.map(({ name, text }) => [name, text]))('gives findings of %s, or says why not', (name, text) => {
    const next = numbers(42);
    for (let round = 0; round < (name.endsWith('.cjs') ? 20 : 150); round++) {
      let mangled = text;
      for (let cuts = 1 + next(4); cuts > 0; cuts--) {
        const at = next(mangled.length + 1);
        mangled = mangled.slice(0, at) + shreds[next(shreds.length)]! + mangled.slice(at + next(12));
      }
      try {
        for (const { rule, line, file, what, fix } of diagnose([{ name, text: mangled }])) {
          expect(ids).toContain(rule);
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(mangled.split('\n').length);
          expect([file, what.includes('\n'), fix.includes('undefined')]).toEqual([name, false, false]);
        }
      } catch (error) {
        if (!(error instanceof BadInputError)) throw new Error(`round ${round}: ${mangled}`, { cause: error });
        expect(error.message).not.toContain('\n');
      }
    }
  });

  it.each([
    ['a document that contains itself', '&a\nkind: List\nitems: [*a]\n'],
    ['a merge key that refers to itself', 'kind: Pod\nspec: &a\n  <<: *a\n'],
    ['brackets without end', `kind: Pod\nspec: ${'['.repeat(20_000)}`],
    ['deep brackets', `kind: Pod\nspec: ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['an alias that is not there', 'kind: Pod\nspec: *nowhere\n'],
    ['lists where mappings belong', 'kind: Deployment\nmetadata: []\nspec: [1]\n'],
    ['texts where lists belong', 'kind: Pod\nspec: { containers: none }\n'],
    ['mappings where texts belong', 'kind: { a: 1 }\nmetadata: { name: { a: 1 } }\n'],
  ])('survives %s', (_, text) => {
    try {
      expect(diagnose([{ name: 'a.yaml', text }])).toEqual(expect.any(Array));
    } catch (error) {
      expect(error).toBeInstanceOf(BadInputError);
    }
  });
});
