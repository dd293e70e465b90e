import { type Quantiles } from './result.js';

/** Quantiles by the nearest rank: each is a latency that has occurred. All are `whenNone` when there are none. */
export function quantilesOf(latenciesMs: readonly number[], whenNone = 0): Quantiles {
  const sorted = Float64Array.from(latenciesMs).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? whenNone;
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

export function medianOf(values: readonly number[]): number {
  return quantilesOf(values).p50Ms;
}

/**
 * The upper bound of the loss rate with 95 % confidence, 0 to 1: the rule of three when nothing was lost, and the
 * Poisson bound (by Wilson and Hilferty's approximation) otherwise. 1 when nothing was asked.
 */
export function lossUpperBound(failed: number, requests: number): number {
  if (requests === 0) return 1;
  const next = failed + 1;
  const expected = failed === 0 ? 3 : next * (1 - 1 / (9 * next) + 1.645 / (3 * Math.sqrt(next))) ** 3;
  return Math.min(1, expected / requests);
}
