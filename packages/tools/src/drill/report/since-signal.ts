import { medianOf } from '../quantiles.js';
import { type ReplicaTimeline, type Roll } from '../result.js';

/** All rolls with one lag, on one clock: the time since the signal of the replica that was stopped. */
export interface LagLane {
  /** Missing when somebody else decided how long traffic takes to leave. */
  readonly lagMs?: number;
  readonly requests: number;
  /** What failed, and when. */
  readonly failures: readonly { readonly outcome: string; readonly sinceMs: number }[];
  /** How long after the signal the balancer ceased to send new connections, and the process ended: medians. */
  readonly outMs?: number;
  readonly exitMs?: number;
}

/** A lane for each lag, in the order they were rolled. */
export function lagLanesOf(rolls: readonly Roll[]): readonly LagLane[] {
  const lags = [...new Set(rolls.map(({ lagMs }) => lagMs))];
  return lags.map((lagMs) =>
    laneOf(
      lagMs,
      rolls.filter((roll) => roll.lagMs === lagMs),
    ),
  );
}

/** The longest time since a signal that there is anything to show for, in ms. */
export function longestOf(lanes: readonly LagLane[]): number {
  const moments = lanes.flatMap(({ failures, outMs = 0, exitMs = 0 }) => [
    ...failures.map(({ sinceMs }) => sinceMs),
    outMs,
    exitMs,
  ]);
  return moments.reduce((a, b) => Math.max(a, b), 500);
}

function laneOf(lagMs: number | undefined, rolls: readonly Roll[]): LagLane {
  const stopped = rolls.flatMap(({ replicas }) => replicas).filter(({ signalledAtMs }) => signalledAtMs !== undefined);
  return {
    lagMs,
    requests: rolls.reduce((sum, { samples }) => sum + samples.dueAtMs.length, 0),
    failures: rolls.flatMap(failuresOf),
    outMs: medianSince(stopped, ({ outOfRotationAtMs }) => outOfRotationAtMs),
    exitMs: medianSince(stopped, ({ exitedAtMs }) => exitedAtMs),
  };
}

function failuresOf(roll: Roll): LagLane['failures'] {
  const { dueAtMs, latencyMs, outcome, outcomes, replica } = roll.samples;
  const signals = roll.replicas.flatMap(({ signalledAtMs }) => (signalledAtMs === undefined ? [] : [signalledAtMs]));
  return outcome.flatMap((kind, index) => {
    const name = outcomes[kind] ?? 'other';
    if (name === 'ok') return [];
    const atMs = (dueAtMs[index] ?? 0) + (latencyMs[index] ?? 0);
    const signalMs = roll.replicas[replica[index] ?? -1]?.signalledAtMs ?? nearest(atMs, signals) ?? roll.startedAtMs;
    return [{ outcome: name, sinceMs: atMs - signalMs }];
  });
}

function nearest(atMs: number, moments: readonly number[]): number | undefined {
  return moments.length === 0 ? undefined : moments.reduce((a, b) => (Math.abs(b - atMs) < Math.abs(a - atMs) ? b : a));
}

function medianSince(
  stopped: readonly ReplicaTimeline[],
  momentOf: (replica: ReplicaTimeline) => number | undefined,
): number | undefined {
  const since = stopped.flatMap((replica) => {
    const atMs = momentOf(replica);
    return atMs === undefined || replica.signalledAtMs === undefined ? [] : [Math.max(0, atMs - replica.signalledAtMs)];
  });
  return since.length === 0 ? undefined : medianOf(since);
}
