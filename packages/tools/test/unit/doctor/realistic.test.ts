import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { examine } from '../../../src/doctor/diagnose.js';
import { folder } from './support/fixtures.js';

const files = readdirSync(`${folder}/realistic`);

/** What loses requests in each, as somebody found who read the files. Those that are not named lose none. */
const faults: Readonly<Record<string, readonly string[]>> = {
  'api-with-liveness-alone.yaml': ['no-readiness-probe of catalog'],
  // 20 s of sleep, and 26 s of shutdown after it, in 30 s.
  'alb-and-hpa.yaml': ['grace-budget of search'],
  // Cloud Run has 10 s, and the defaults take 26 s.
  'cloud-run.yaml': ['grace-budget of quotes'],
  'daemon.yaml': ['max-unavailable of edge'],
  'development-in-cluster.yaml': ['no-readiness-probe of users', 'npm-as-pid-1 of users'],
  'half-at-once.yaml': ['max-unavailable of chat'],
  'npm-start.yaml': ['npm-as-pid-1 of gateway'],
  'published-early.yaml': ['publish-not-ready of signalling'],
  // 15 s.
  'single-stateful-set.yaml': ['grace-budget of socket'],
};

describe('examine, of manifests as projects have them', () => {
  it.each(files)('calls a fault what is one: %s', (name) => {
    const { findings, notChecked } = examine([{ name, text: readFileSync(`${folder}/realistic/${name}`, 'utf8') }]);
    const found = findings.filter(({ severity }) => severity === 'fault');
    expect(found.map(({ rule, object }) => `${rule} of ${object.name}`).sort()).toEqual(faults[name] ?? []);
    expect(notChecked).toEqual([]);
  });

  it('is about twenty of them', () => {
    expect(files.length).toBeGreaterThanOrEqual(20);
    expect(files).toEqual(expect.arrayContaining(Object.keys(faults)));
  });
});
