import { type FailedRequest, type Facts, type StoppedReplica } from './advice/facts.js';
import { type Observations } from './observations.js';
import { lossUpperBound, medianOf, quantilesOf } from './quantiles.js';
import { type ReplicaExit } from './replica.js';
import {
  type Advice,
  type DrillResult,
  type DrillSettings,
  type FailureEntry,
  type ReplicaTimeline,
  type Roll,
  type Samples,
  type Totals,
} from './result.js';
import { verdictOf } from './verdict.js';

/** What became of one replica so far. Instants are `performance.now()`. */
export interface ReplicaLife {
  readonly name: string;
  readonly pid?: number;
  readonly startedAt: number;
  readonly readyAt?: number;
  observations: Observations;
  lagMs?: number;
  inRotationAt?: number;
  outOfRotationAt?: number;
  stoppingAt?: number;
  signalledAt?: number;
  lastReadyAt?: number;
  unreadyAt?: number;
  unreadyStatus?: number;
  exitedAt?: number;
  exit?: ReplicaExit;
  output?: string;
}

export interface RecordedRequest {
  readonly dueAt: number;
  readonly sentAt: number;
  readonly endedAt: number;
  readonly request: number;
  readonly outcome: string;
  readonly detail?: string;
  readonly reusedConnection: boolean;
  readonly life?: ReplicaLife;
}

export interface RecordedRoll {
  readonly lagMs: number;
  readonly round: number;
  readonly startedAt: number;
  endedAt: number;
  /** Those that were stopped in it, and their successors. */
  readonly lives: readonly ReplicaLife[];
}

export interface DrillRecord {
  readonly settings: DrillSettings;
  readonly deregisters: boolean;
  /** Calendar time of instant 0, and `performance.now()` of it. */
  readonly startedAt: string;
  readonly origin: number;
  readonly lives: readonly ReplicaLife[];
  readonly rolls: readonly RecordedRoll[];
  readonly requests: readonly RecordedRequest[];
  readonly advise: (facts: Facts) => readonly Advice[];
}

/** Makes the result of what was recorded. */
export function resultOf(record: DrillRecord): DrillResult {
  const { settings, startedAt, origin, rolls } = record;
  const requests = [...record.requests].sort((a, b) => a.dueAt - b.dueAt);
  const stopped = new Map<ReplicaLife, StoppedReplica>(
    record.lives.filter(isStopped).map((life) => [life, stoppedReplica(life, origin)]),
  );
  const failures = requests
    .filter(({ outcome }) => outcome !== 'ok')
    .map((request) => failedRequest(request, settings, origin, request.life && stopped.get(request.life)));
  const totals = totalsOf(requests, [...stopped.values()], origin);
  const replicas = [...stopped.values()];
  const advice = record.advise({ settings, deregisters: record.deregisters, replicas, failures, totals });
  return {
    version: 1,
    startedAt,
    durationMs: (rolls.at(-1)?.endedAt ?? origin) - origin,
    settings,
    rolls: rolls.map((roll) => rollOf(roll, requests, origin)),
    totals,
    lostNothing: totals.failed === 0 && totals.killed === 0,
    verdict: verdictOf(totals, replicas.length),
    advice,
    failures: failures.map(failureEntry),
  };
}

type StoppedLife = ReplicaLife & Required<Pick<ReplicaLife, 'stoppingAt' | 'signalledAt' | 'exitedAt' | 'exit'>>;

function isStopped(life: ReplicaLife): life is StoppedLife {
  return life.exit !== undefined && life.exitedAt !== undefined && life.signalledAt !== undefined;
}

function stoppedReplica(life: StoppedLife, origin: number): StoppedReplica {
  const { listener, listenerExited, phases, report } = life.observations;
  return {
    name: life.name,
    lagMs: life.lagMs ?? 0,
    stoppingAtMs: life.stoppingAt - origin,
    signalledAtMs: life.signalledAt - origin,
    outOfRotationAtMs: since(life.outOfRotationAt, origin),
    exitedAtMs: life.exitedAt - origin,
    exitCode: life.exit.exitCode,
    exitSignal: life.exit.signal,
    wasKilled: life.exit.killed,
    lastReadyAtMs: since(life.lastReadyAt, origin),
    unreadyAtMs: since(life.unreadyAt, origin),
    unreadyStatus: life.unreadyStatus,
    pid: life.pid,
    listener,
    listenerExited,
    phases: phases.map(({ phase, at }) => ({ phase, atMs: at - origin })),
    report,
  };
}

function failedRequest(
  { outcome, detail, request, sentAt, endedAt, reusedConnection }: RecordedRequest,
  settings: DrillSettings,
  origin: number,
  replica: StoppedReplica | undefined,
): FailedRequest {
  return {
    kind: outcome,
    request: settings.requests[request]?.name ?? '',
    sentAtMs: sentAt - origin,
    endedAtMs: endedAt - origin,
    reusedConnection,
    detail,
    replica,
  };
}

function failureEntry({ replica, sentAtMs: _sent, endedAtMs, ...failure }: FailedRequest): FailureEntry {
  return {
    ...failure,
    atMs: round(endedAtMs),
    replica: replica?.name,
    sinceSignalMs: replica && round(endedAtMs - replica.signalledAtMs),
  };
}

function totalsOf(requests: readonly RecordedRequest[], replicas: readonly StoppedReplica[], origin: number): Totals {
  const failuresByKind: { [kind: string]: number } = {};
  const latency: { duringRolls: number[]; between: number[] } = { duringRolls: [], between: [] };
  for (const { outcome, dueAt, endedAt } of requests) {
    if (outcome === 'ok') {
      const isInRoll = replicas.some((replica) => isStopping(replica, dueAt - origin));
      latency[isInRoll ? 'duringRolls' : 'between'].push(endedAt - dueAt);
    } else failuresByKind[outcome] = (failuresByKind[outcome] ?? 0) + 1;
  }
  const failed = Object.values(failuresByKind).reduce((sum, count) => sum + count, 0);
  const shutdowns = replicas.map(({ signalledAtMs, exitedAtMs }) => exitedAtMs - signalledAtMs);
  return {
    requests: requests.length,
    failed,
    failuresByKind,
    lossUpperBound: lossUpperBound(failed, requests.length),
    latency: { duringRolls: quantilesOf(latency.duringRolls), between: quantilesOf(latency.between) },
    shutdownMs: { median: medianOf(shutdowns), max: Math.max(0, ...shutdowns) },
    killed: replicas.filter(({ wasKilled }) => wasKilled).length,
  };
}

/** From the beginning of its end until it has gone and nobody is sent to it any more. */
function isStopping({ stoppingAtMs, exitedAtMs, outOfRotationAtMs = 0 }: StoppedReplica, atMs: number): boolean {
  return atMs >= stoppingAtMs && atMs <= Math.max(exitedAtMs, outOfRotationAtMs);
}

function rollOf(roll: RecordedRoll, requests: readonly RecordedRequest[], origin: number): Roll {
  const own = requests.filter(({ dueAt }) => dueAt >= roll.startedAt && dueAt < roll.endedAt);
  const lost = new Set(own.filter(({ outcome }) => outcome !== 'ok').map(({ life }) => life));
  return {
    lagMs: roll.lagMs,
    round: roll.round,
    startedAtMs: round(roll.startedAt - origin),
    endedAtMs: round(roll.endedAt - origin),
    replicas: roll.lives.map((life) => timelineOf(life, roll, origin, lost.has(life))),
    samples: samplesOf(own, roll.lives, origin),
  };
}

/** What happened to it up to the end of the roll: its own end belongs to the next one if it comes later. */
function timelineOf(life: ReplicaLife, { endedAt }: RecordedRoll, origin: number, hasLost: boolean): ReplicaTimeline {
  const at = (instant: number | undefined): number | undefined =>
    instant === undefined || instant > endedAt ? undefined : round(instant - origin);
  const { exit, observations } = life;
  const hasExited = at(life.exitedAt) !== undefined;
  const isClean = exit?.exitCode === 0 || observations.phases.some(({ phase }) => phase === 'closed');
  return {
    name: life.name,
    startedAtMs: round(life.startedAt - origin),
    readyAtMs: at(life.readyAt),
    inRotationAtMs: at(life.inRotationAt),
    outOfRotationAtMs: at(life.outOfRotationAt),
    stoppingAtMs: at(life.stoppingAt),
    signalledAtMs: at(life.signalledAt),
    unreadyAtMs: at(life.unreadyAt),
    exitedAtMs: at(life.exitedAt),
    exitCode: hasExited ? exit?.exitCode : undefined,
    exitSignal: hasExited ? exit?.signal : undefined,
    wasKilled: hasExited && exit?.killed === true,
    phases: hasExited
      ? observations.phases.map(({ phase, at: instant }) => ({ phase, atMs: round(instant - origin) }))
      : [],
    report: hasExited ? observations.report : undefined,
    output: hasExited && (hasLost || !isClean) ? life.output : undefined,
  };
}

function samplesOf(requests: readonly RecordedRequest[], lives: readonly ReplicaLife[], origin: number): Samples {
  const outcomes = [...new Set(['ok', ...requests.map(({ outcome }) => outcome)])];
  return {
    dueAtMs: requests.map(({ dueAt }) => round(dueAt - origin)),
    latencyMs: requests.map(({ dueAt, endedAt }) => round(endedAt - dueAt)),
    outcome: requests.map(({ outcome }) => outcomes.indexOf(outcome)),
    replica: requests.map(({ life }) => (life ? lives.indexOf(life) : -1)),
    request: requests.map(({ request }) => request),
    outcomes,
  };
}

function since(instant: number | undefined, origin: number): number | undefined {
  return instant === undefined ? undefined : instant - origin;
}

/** A hundredth of a millisecond is more than a clock across processes can tell. */
function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
