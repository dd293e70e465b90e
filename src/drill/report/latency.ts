import { type Quantiles, type Roll } from '../result.js';

/** The parts of a roll: until the first replica begins to stop, from then until the last has exited, and after that. */
export type Part = 'before' | 'during' | 'after';

/** Latency of what was answered; a failure is no measure of speed. */
export function latencyByPart(roll: Roll): Readonly<Record<Part, Quantiles>> {
  const { fromMs, toMs } = restartOf(roll);
  const { dueAtMs, latencyMs, outcome, outcomes } = roll.samples;
  const okIndex = outcomes.indexOf('ok');
  const parts: Record<Part, number[]> = { before: [], during: [], after: [] };
  dueAtMs.forEach((due, index) => {
    if (outcome[index] !== okIndex) return;
    parts[due < fromMs ? 'before' : due <= toMs ? 'during' : 'after'].push(latencyMs[index] ?? 0);
  });
  return { before: quantilesOf(parts.before), during: quantilesOf(parts.during), after: quantilesOf(parts.after) };
}

/** By the nearest rank: each is a latency that was really measured. NaN when there is none. */
export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

function restartOf({ replicas, endedAtMs }: Roll): { fromMs: number; toMs: number } {
  let [fromMs, toMs] = [Infinity, -Infinity];
  for (const { stoppingAtMs, signalledAtMs, exitedAtMs } of replicas) {
    const stopping = stoppingAtMs ?? signalledAtMs;
    if (stopping === undefined) continue;
    fromMs = Math.min(fromMs, stopping);
    toMs = Math.max(toMs, exitedAtMs ?? endedAtMs);
  }
  return { fromMs, toMs };
}
