import { describe, expect, it } from '@jest/globals';
import { lossUpperBound, medianOf, quantilesOf } from '../../../src/drill/quantiles.js';

describe('quantilesOf', () => {
  it('takes the nearest rank: what it tells has occurred', () => {
    const latencies = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect(quantilesOf(latencies)).toEqual({ count: 100, p50Ms: 50, p95Ms: 95, p99Ms: 99, maxMs: 100 });
  });

  it('is all zero when there is nothing', () => {
    expect(quantilesOf([])).toEqual({ count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 });
  });

  it('leaves what it is given as it was', () => {
    const latencies = [3, 1, 2];
    expect(medianOf(latencies)).toBe(2);
    expect(latencies).toEqual([3, 1, 2]);
  });
});

describe('lossUpperBound', () => {
  it('is 3/N when nothing failed', () => {
    expect(lossUpperBound(0, 1_000)).toBeCloseTo(0.003, 10);
  });

  // One-sided 95 % limits of a Poisson mean, as tables have them.
  it.each([
    [1, 4.744],
    [5, 10.513],
    [20, 29.062],
    [100, 118.079],
  ])('with %i failures it is that of a Poisson mean, %d', (failed, expected) => {
    expect(lossUpperBound(failed, 1_000_000) * 1_000_000).toBeCloseTo(expected, 1);
  });

  it('never says more than all, and all when nothing was asked', () => {
    expect(lossUpperBound(2, 2)).toBe(1);
    expect(lossUpperBound(0, 0)).toBe(1);
  });
});
