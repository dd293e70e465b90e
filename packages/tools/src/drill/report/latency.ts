import { quantilesOf as quantiles } from '../quantiles.js';
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

/** Of latencies, of which there may be none: NaN is shown as not known. */
export function quantilesOf(latenciesMs: readonly number[]): Quantiles {
  return quantiles(latenciesMs, NaN);
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
