import { describe, expect, it } from '@jest/globals';
import { diagnose } from '../../../src/doctor/diagnose.js';
import { fixture } from './support/fixtures.js';

/** What is wrong with each, by line. */
const expected: Readonly<Record<string, readonly (readonly [line: number, rule: string])[]>> = {
  'quick-start.yaml': [[16, 'no-readiness-probe']],
  'helm-template.yaml': [
    [30, 'single-replica'],
    [52, 'same-probe'],
    [54, 'readiness-too-slow'],
    [56, 'readiness-root'],
  ],
  'kustomize.yaml': [
    [38, 'max-unavailable'],
    [48, 'npm-as-pid-1'],
    [63, 'readiness-tcp'],
    [94, 'pdb-blocks'],
  ],
  'pre-stop-sleep.yaml': [
    [20, 'grace-budget'],
    [27, 'pre-stop-sleep'],
    [35, 'readiness-too-slow'],
    [38, 'same-probe'],
  ],
  'stateful-set.yaml': [
    [7, 'single-replica'],
    [16, 'grace-budget'],
    [18, 'sidecar-quits'],
    [26, 'shell-as-pid-1'],
    [29, 'readiness-unknown'],
  ],
  'alb.yaml': [
    [7, 'min-ready-seconds'],
    [41, 'keep-alive'],
    [42, 'balancer-draining'],
  ],
  'Dockerfile.npm': [
    [13, 'npm-as-pid-1'],
    [13, 'shell-form'],
  ],
  // Alpine's shell becomes its last command.
  'Dockerfile.shell': [[9, 'stop-signal']],
  'Dockerfile.start': [[5, 'npm-as-pid-1']],
  'package.json': [[6, 'start-script']],
  'ecosystem.config.js': [
    [4, 'pm2-kill-timeout'],
    [4, 'pm2-listen-timeout'],
    [15, 'pm2-npm'],
    [17, 'pm2-kill-timeout'],
  ],
};

describe('diagnose, of files in the shapes of tutorials', () => {
  it.each(Object.entries(expected))('finds what is wrong with %s', (name, found) => {
    expect(diagnose([fixture(`tutorials/${name}`)]).map(({ line, rule }) => [line, rule])).toEqual(found);
  });

  it('reads them all together', () => {
    const sources = Object.keys(expected).map((name) => fixture(`tutorials/${name}`));
    const files = diagnose(sources).map(({ file }) => file);
    expect([...new Set(files)]).toEqual(sources.map(({ name }) => name));
  });
});
