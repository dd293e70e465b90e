import { quantilesOf } from './latency.js';
import { spanOf } from './lanes.js';
import { type Quantiles, type Roll } from '../result.js';

/**
 * A stretch of a roll, as a row of the table that says in numbers what the chart shows. Times are ms since the roll
 * began.
 */
export interface Slice {
  readonly fromMs: number;
  readonly toMs: number;
  readonly failed: number;
  /** Of what was answered. */
  readonly latency: Quantiles;
}

/** Cuts a roll into at most so many slices of a round length, by when a request was due. */
export function slicesOf(roll: Roll, atMost: number): readonly Slice[] {
  const { fromMs, toMs } = spanOf(roll);
  const lengthMs = lengths.find((each) => (toMs - fromMs) / each <= atMost) ?? (toMs - fromMs) / atMost;
  const first = Math.floor(fromMs / lengthMs);
  const slices = Array.from({ length: Math.floor(toMs / lengthMs) - first + 1 }, () => ({
    ok: [] as number[],
    failed: 0,
  }));
  const { dueAtMs, latencyMs, outcome, outcomes } = roll.samples;
  dueAtMs.forEach((due, index) => {
    const slice = slices[Math.floor((due - roll.startedAtMs) / lengthMs) - first];
    if (!slice) return;
    if (outcomes[outcome[index] ?? -1] === 'ok') slice.ok.push(latencyMs[index] ?? 0);
    else slice.failed++;
  });
  return slices
    .map(({ ok, failed }, index) => ({
      fromMs: (first + index) * lengthMs,
      toMs: (first + index + 1) * lengthMs,
      failed,
      latency: quantilesOf(ok),
    }))
    .filter(({ failed, latency }) => failed + latency.count > 0);
}

const lengths = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000];
