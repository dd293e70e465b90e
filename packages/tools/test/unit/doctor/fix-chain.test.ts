import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { examine } from '../../../src/doctor/diagnose.js';
import { type Finding } from '../../../src/doctor/finding.js';
import { seeds } from './seeds.js';
import { rows } from './sibling-rows.js';
import { applied, type Input } from './support/apply-fix.js';
import { clean, folder, mutated } from './support/fixtures.js';

/** Rules whose fixes are done elsewhere than in a field of the manifest or in an option. */
const doneByHand = ['no-pdb', 'one-node', 'pre-stop-unknown', 'sidecar-quits', 'readiness-unknown', 'shell-as-pid-1'];

const cases = [
  'no-probe-port-8080',
  'surge-zero-pct',
  'deploymentconfig',
  'two-apps-one-pod',
  'nlb-dereg',
  'alb-keepalive',
];

const inputs: readonly (readonly [string, Input])[] = [
  ...seeds
    .filter((seed) => seed.in === 'manifests')
    .map(({ rule, as = '', from, to = '', options }) => {
      const { text } = from === undefined ? clean.manifests : mutated(clean.manifests, from, to);
      return [`${rule} ${as}`, { text, options: { shutdown: options } }] as const;
    }),
  ...rows.map(([name, text]) => [name, { text, options: {} }] as const),
  ...cases.map((name) => {
    const text = readFileSync(`${folder}/cases/${name}/d.yaml`, 'utf8');
    return [name, { text, options: {} }] as const;
  }),
];

const found = ({ text, options }: Input) => examine([{ name: 'a.yaml', text }], options).findings;
const keyOf = ({ rule, object }: Finding) => `${rule} of ${object.kind} ${object.name} ${object.container ?? ''}`;
const faultsOf = (findings: readonly Finding[]) => findings.filter(({ severity }) => severity === 'fault').map(keyOf);

describe('A fix that is pasted', () => {
  it.each(inputs.filter(([, input]) => found(input).length > 0))('leads to no other fault: %s', (_, input) => {
    const before = found(input);
    for (const finding of before.filter(({ rule }) => !doneByHand.includes(rule))) {
      const fixed = applied(input, finding);
      if (!fixed) continue;
      const after = found(fixed);
      expect(after.map(keyOf)).not.toContain(keyOf(finding));
      const known = faultsOf(before);
      expect(faultsOf(after).filter((each) => !known.includes(each))).toEqual([]);
    }
  });

  it.each(inputs.filter(([, input]) => faultsOf(found(input)).length > 0))('ends in no fault: %s', (_, input) => {
    let current = input;
    for (let round = 0; round < 8; round++) {
      const fault = found(current).find(({ severity, rule }) => severity === 'fault' && !doneByHand.includes(rule));
      if (!fault) return;
      const next = applied(current, fault);
      expect([fault.rule, fault.fix, next !== undefined]).toEqual([fault.rule, fault.fix, true]);
      current = next!;
    }
    expect(faultsOf(found(current))).toEqual([]);
  });
});
