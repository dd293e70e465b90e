import { describe, expect, it } from '@jest/globals';
import { formatOf, formats } from '../../../src/doctor/formats/index.js';

describe('formatOf', () => {
  it.each<[name: string, text: string, id: string | undefined]>([
    ['Dockerfile', '', 'dockerfile'],
    ['docker/Dockerfile.production', '', 'dockerfile'],
    ['api.dockerfile', '', 'dockerfile'],
    ['Containerfile', '', 'dockerfile'],
    ['app/package.json', '', 'package'],
    ['ecosystem.config.js', '', 'pm2'],
    ['ecosystem.config.cjs', '', 'pm2'],
    ['ecosystem.json', '', 'pm2'],
    ['pm2.yaml', '', 'pm2'],
    ['k8s/dockerfile-config.yaml', 'a: |\n  module.exports = {}\n', undefined],
    ['k8s/dockerfile-config.yaml', 'kind: ConfigMap\n', 'manifests'],
    ['(stdin)', '# comment\n\nFROM node:24\n', 'dockerfile'],
    ['(stdin)', 'ARG VERSION=24\nFROM node:$VERSION\n', 'dockerfile'],
    ['(stdin)', 'From here on\n\nkind: Pod\n', 'manifests'],
    ['(stdin)', 'module.exports = { apps: [] };', 'pm2'],
    ['(stdin)', '{ "apiVersion": "v1" }', 'manifests'],
    ['(stdin)', '{ "apps": [] }', 'pm2'],
    ['(stdin)', '{ "scripts": {} }', 'package'],
    ['(stdin)', '{}', undefined],
    ['(stdin)', 'anything', undefined],
    ['k8s/a.json', '{"kind":"Pod"}', 'manifests'],
  ])('of %s with %j is %s', (name, text, id) => {
    expect(formatOf({ name, text })?.id).toBe(id);
  });

  it('is what it is said to be', () => {
    expect(formatOf({ name: 'Dockerfile', text: '', kind: 'pm2' })?.id).toBe('pm2');
  });

  it('has no two formats of one id', () => {
    expect(new Set(formats.map(({ id }) => id)).size).toBe(formats.length);
  });
});
