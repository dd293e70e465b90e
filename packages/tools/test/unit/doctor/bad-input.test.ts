import { describe, expect, it } from '@jest/globals';
import { BadInputError } from '../../../src/doctor/bad-input.js';
import { diagnose } from '../../../src/doctor/diagnose.js';

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

describe('diagnose, of files that refer to themselves', () => {
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
