import { type DrillResult } from './result.js';
import { count, duration, percent } from './words.js';
import { nameOf } from './outcomes.js';

/** Two results beside each other, as text. */
export interface Comparison {
  readonly titles: readonly [before: string, now: string];
  /** What is compared, and what it was and is. */
  readonly rows: readonly (readonly [what: string, before: string, now: string])[];
}

/** Puts an earlier result beside a later one. */
export function comparisonOf(before: DrillResult, now: DrillResult): Comparison {
  const kinds = [...new Set([before, now].flatMap(({ totals }) => Object.keys(totals.failuresByKind)))];
  const row = (what: string, figure: (result: DrillResult) => string) => [what, figure(before), figure(now)] as const;
  const shareOf = ({ totals }: DrillResult): number => totals.failed / Math.max(1, totals.requests);
  return {
    titles: titlesOf(before, now),
    rows: [
      row('requests', ({ totals }) => count(totals.requests)),
      row('failed', (result) => `${count(result.totals.failed)} (${percent(shareOf(result))})`),
      ...kinds.map((kind) => row(`  ${nameOf(kind)}`, ({ totals }) => count(totals.failuresByKind[kind] ?? 0))),
      row('p99 while a replica stops', ({ totals }) => duration(totals.latency.duringRolls.p99Ms)),
      row('slowest answer', ({ totals: { latency } }) =>
        duration(Math.max(latency.duringRolls.maxMs, latency.between.maxMs)),
      ),
      row('longest shutdown', ({ totals }) => duration(totals.shutdownMs.max)),
      row('ended with SIGKILL', ({ totals }) => count(totals.killed)),
    ],
  };
}

function titlesOf(before: DrillResult, now: DrillResult): readonly [string, string] {
  const [left, right] = [before, now].map(({ about, settings }) => about.title ?? settings.command.join(' '));
  return left === right ? ['before', 'now'] : [left!, right!];
}
