import { describe, expect, it } from '@jest/globals';
import { dotsOf } from '../../../../src/drill/report/thin.js';
import { type DrillResult } from '../../../../src/drill/result.js';
import { losslessResult, lossyResult } from './fixtures.js';

const drawnIn = (result: DrillResult, budget: number) => dotsOf(result.rolls, budget);
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

describe('dotsOf', () => {
  it('draws everything while there is room', () => {
    const dots = drawnIn(lossyResult(), 6_000);
    for (const { ok, okTotal, oneOf } of dots) expect([ok.length, oneOf]).toEqual([okTotal, 1]);
  });

  it('thins what was answered to about the budget', () => {
    const drawn = total(drawnIn(losslessResult({ requests: 60_000 }), 5_000).map(({ ok }) => ok.length));
    expect(drawn).toBeGreaterThan(4_500);
    expect(drawn).toBeLessThanOrEqual(5_000);
  });

  it('never thins a failure', () => {
    const result = lossyResult({ requests: 60_000 });
    const dots = drawnIn(result, 1_000);
    dots.forEach(({ failures }, roll) => {
      const failed = (result.rolls[roll]?.samples.outcome ?? []).flatMap((outcome, index) =>
        outcome === 0 ? [] : [index],
      );
      expect(failures.map(({ index }) => index)).toEqual(failed);
    });
  });

  it('puts failures that lie on each other under one mark when there are thousands, and counts them', () => {
    const result = lossyResult({ requests: 200_000 });
    for (const { failures, failedTotal } of drawnIn(result, 1_000)) {
      expect(total(failures.map(({ count }) => count))).toBe(failedTotal);
      expect(failures.length).toBeLessThan(failedTotal);
    }
  });

  it('keeps the slowest answers', () => {
    const result = losslessResult({ requests: 60_000 });
    drawnIn(result, 2_000).forEach(({ ok }, roll) => {
      const { latencyMs = [] } = result.rolls[roll]?.samples ?? {};
      expect(ok).toContain(latencyMs.indexOf(latencyMs.reduce((a, b) => Math.max(a, b))));
    });
  });

  it('keeps the mix of requests, although they take turns', () => {
    const result = losslessResult({ requests: 60_000 });
    drawnIn(result, 4_000).forEach(({ ok }, roll) => {
      const request = result.rolls[roll]?.samples.request ?? [];
      const share = ok.filter((index) => request[index] === 1).length / ok.length;
      expect(share).toBeGreaterThan(0.15);
      expect(share).toBeLessThan(0.32);
    });
  });

  it('draws in the order of time, each request once', () => {
    for (const { ok } of drawnIn(losslessResult({ requests: 60_000 }), 3_000)) {
      expect(ok).toEqual([...new Set(ok)].sort((a, b) => a - b));
    }
  });
});
