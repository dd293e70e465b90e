import { type Roll, type Samples } from '../result.js';

/** Of the answered requests that are drawn, this share is the slowest. */
const slowShare = 0.05;
/** With more failures than this, those which lie on each other share a mark. */
const mostMarks = 3_000;

export interface Dots {
  /** Indices into the samples, by the time they were due. */
  readonly ok: readonly number[];
  /** How many answered requests each of them stands for; 1 when all are drawn. */
  readonly oneOf: number;
  /** Every failure, by the time it was due; `count` are under one mark. */
  readonly failures: readonly { readonly index: number; readonly count: number }[];
  readonly okTotal: number;
  readonly failedTotal: number;
}

/**
 * Which requests of each roll are drawn: the same for the same rolls. Answered ones are thinned to about `okBudget`:
 * one of every so many in a row, and the slowest ones. Failures all stay: a mark for each, or, when there are
 * thousands, a mark with a number for those which lie on each other.
 */
export function dotsOf(rolls: readonly Roll[], okBudget: number): readonly Dots[] {
  const split = rolls.map(({ samples }) => splitByOutcome(samples));
  const okTotal = sum(split.map(({ ok }) => ok.length));
  const failedTotal = sum(split.map(({ failed }) => failed.length));
  const oneOf = okTotal <= okBudget ? 1 : Math.ceil(okTotal / (okBudget * (1 - slowShare)));
  return rolls.map(({ samples, startedAtMs, endedAtMs }, index) => {
    const { ok, failed } = split[index] ?? { ok: [], failed: [] };
    const failures =
      failedTotal <= mostMarks
        ? failed.map((each) => ({ index: each, count: 1 }))
        : merge(samples, failed, Math.max(1, endedAtMs - startedAtMs), (mostMarks * failed.length) / failedTotal);
    const slowest = Math.floor((ok.length / okTotal) * okBudget * slowShare);
    const drawn = oneOf === 1 ? ok : thin(samples, ok, oneOf, slowest);
    return { ok: drawn, oneOf, failures, okTotal: ok.length, failedTotal: failed.length };
  });
}

function splitByOutcome({ dueAtMs, outcome, outcomes }: Samples): { ok: number[]; failed: number[] } {
  const ok: number[] = [];
  const failed: number[] = [];
  const okIndex = outcomes.indexOf('ok');
  const byTime = dueAtMs.map((_, index) => index).sort((a, b) => (dueAtMs[a] ?? 0) - (dueAtMs[b] ?? 0));
  for (const index of byTime) (outcome[index] === okIndex ? ok : failed).push(index);
  return { ok, failed };
}

function thin({ latencyMs }: Samples, ok: readonly number[], oneOf: number, slowest: number): readonly number[] {
  const kept = new Set<number>();
  // Requests take turns in a fixed order: always the same place of a stretch would show only some of them.
  for (let from = 0; from < ok.length; from += oneOf) {
    const place = Math.imul(from + 1, 0x9e3779b1) >>> 8;
    const chosen = ok[from + (place % Math.min(oneOf, ok.length - from))];
    if (chosen !== undefined) kept.add(chosen);
  }
  const bySlowness = [...ok].sort((a, b) => (latencyMs[b] ?? 0) - (latencyMs[a] ?? 0) || a - b);
  for (const index of bySlowness.slice(0, slowest)) kept.add(index);
  return ok.filter((index) => kept.has(index));
}

/**
 * One mark for failures of a kind, of a replica, at about the same moment and with about the same latency: the finest
 * grid that gives few enough.
 */
function merge(samples: Samples, failed: readonly number[], lengthMs: number, atMost: number): Dots['failures'] {
  for (let columns = 1_000; ; columns /= 2) {
    const marks = mergeIn(samples, failed, lengthMs / columns, columns / 250);
    if (marks.length <= atMost || columns < 10) return marks;
  }
}

function mergeIn(samples: Samples, failed: readonly number[], cellMs: number, rowsPerDecade: number): Dots['failures'] {
  const cells = new Map<string, { index: number; count: number }>();
  for (const index of failed) {
    const column = Math.floor((samples.dueAtMs[index] ?? 0) / cellMs);
    const row = Math.round(Math.log10(Math.max(0.1, samples.latencyMs[index] ?? 0)) * rowsPerDecade);
    const key = [samples.outcome[index], samples.replica[index], column, row].join(' ');
    const cell = cells.get(key);
    if (cell) cell.count++;
    else cells.set(key, { index, count: 1 });
  }
  return [...cells.values()];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
