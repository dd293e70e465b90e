import { duration } from './format.js';
import { type ReplicaTimeline, type Roll } from '../result.js';

export interface FailedRequest {
  readonly outcome: string;
  /** On the clock of the roll. */
  readonly dueAtMs: number;
  readonly latencyMs: number;
  /** Missing when it is not known who served it. */
  readonly replica?: string;
  /** An index into `settings.requests`. */
  readonly request: number;
  /** When it was due, and when it failed, relative to the signal: of its own replica, or else to the nearest one. */
  readonly moment: string;
}

/** Every failed request of a roll, by the time it was due. */
export function failuresOf(roll: Roll, signal: string): readonly FailedRequest[] {
  const { dueAtMs, latencyMs, outcome, outcomes, replica, request } = roll.samples;
  const okIndex = outcomes.indexOf('ok');
  const failed = dueAtMs.map((_, index) => index).filter((index) => outcome[index] !== okIndex);
  failed.sort((a, b) => (dueAtMs[a] ?? 0) - (dueAtMs[b] ?? 0));
  return failed.map((index) => {
    const due = dueAtMs[index] ?? 0;
    const latency = latencyMs[index] ?? 0;
    const servedBy = roll.replicas[replica[index] ?? -1];
    return {
      outcome: outcomes[outcome[index] ?? -1] ?? 'other',
      dueAtMs: due - roll.startedAtMs,
      latencyMs: latency,
      replica: servedBy?.name,
      request: request[index] ?? -1,
      moment: momentOf(due, latency, servedBy, roll.replicas, signal),
    };
  });
}

function momentOf(
  dueAtMs: number,
  latencyMs: number,
  servedBy: ReplicaTimeline | undefined,
  replicas: readonly ReplicaTimeline[],
  signal: string,
): string {
  const own = servedBy?.signalledAtMs !== undefined;
  const reference = own ? servedBy : nearest(dueAtMs + latencyMs, replicas);
  if (reference?.signalledAtMs === undefined) return `no ${signal} was sent`;
  const due = dueAtMs - reference.signalledAtMs;
  const what = `${signal}${own ? '' : ` to ${reference.name}`}`;
  if (due >= 0) return `${duration(due)} after ${what}`;
  const failed = due + latencyMs;
  if (failed < 0) return `${duration(-failed)} before ${what}`;
  return `${duration(failed)} after ${what}, asked ${duration(-due)} before it`;
}

function nearest(atMs: number, replicas: readonly ReplicaTimeline[]): ReplicaTimeline | undefined {
  const distance = ({ signalledAtMs }: ReplicaTimeline): number => Math.abs((signalledAtMs ?? Infinity) - atMs);
  const signalled = replicas.filter(({ signalledAtMs }) => signalledAtMs !== undefined);
  return signalled.length === 0 ? undefined : signalled.reduce((a, b) => (distance(b) < distance(a) ? b : a));
}
