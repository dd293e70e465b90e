import { describe, expect, it } from '@jest/globals';
import { Probes } from '../../../src/sequence/probes.js';

describe('Probes', () => {
  it('knows nobody until one has asked', () => {
    const probes = new Probes();
    expect(probes.haveAsked).toBe(false);
    probes.answered(true);
    expect(probes.haveAsked).toBe(true);
  });

  it('tells the moment a probe sees readiness fail, and not one that sees it hold', () => {
    const probes = new Probes();
    probes.answered(true);
    expect(probes.failureSeen.aborted).toBe(false);
    probes.answered(false);
    expect(probes.failureSeen.aborted).toBe(true);
  });
});
