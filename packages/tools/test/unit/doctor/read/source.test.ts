import { describe, expect, it } from '@jest/globals';
import { kindOf } from '../../../../src/doctor/read/source.js';

describe('kindOf', () => {
  it.each([
    ['Dockerfile', '', 'dockerfile'],
    ['docker/Dockerfile.production', '', 'dockerfile'],
    ['api.dockerfile', '', 'dockerfile'],
    ['Containerfile', '', 'dockerfile'],
    ['app/package.json', '', 'package'],
    ['ecosystem.config.js', '', 'pm2'],
    ['ecosystem.config.cjs', '', 'pm2'],
    ['ecosystem.json', '', 'pm2'],
    ['pm2.yaml', '', 'pm2'],
    ['k8s/dockerfile-config.yaml', 'a: |\n  module.exports = {}\n', 'manifests'],
    ['(stdin)', '# comment\n\nFROM node:24\n', 'dockerfile'],
    ['(stdin)', 'ARG VERSION=24\nFROM node:$VERSION\n', 'dockerfile'],
    ['(stdin)', 'From here on\n\nkind: Pod\n', 'manifests'],
    ['(stdin)', 'module.exports = { apps: [] };', 'pm2'],
    ['(stdin)', '{ "apiVersion": "v1" }', 'manifests'],
    ['(stdin)', '{ "apps": [] }', 'pm2'],
    ['(stdin)', '{ "scripts": {} }', 'package'],
    ['(stdin)', '{}', 'manifests'],
    ['(stdin)', 'anything', 'manifests'],
  ])('of %s with %j is %s', (name, text, kind) => {
    expect(kindOf({ name, text })).toBe(kind);
  });

  it('is what it is said to be', () => {
    expect(kindOf({ name: 'Dockerfile', text: '', kind: 'pm2' })).toBe('pm2');
  });
});
