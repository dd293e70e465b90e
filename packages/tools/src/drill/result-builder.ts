import { type FailedRequest, type StoppedReplica } from './advice/facts.js';
import { isOfLateClient } from './advice/client-late.js';
import { adviceOf } from './advice/index.js';
import { isUnseen } from './advice/when.js';
import { isHttp } from './clients/protocols.js';
import { lossUpperBound, medianOf, quantilesOf } from './quantiles.js';
import { type DrillRecord, type RecordedRequest, type RecordedRoll, type ReplicaLife } from './record.js';
import {
  type DrillResult,
  type DrillSettings,
  type FailureEntry,
  type ReplicaTimeline,
  type Roll,
  type Samples,
  type Totals,
} from './result.js';
import { verdictOf } from './verdict.js';

/** Makes the result of what was recorded. */
export function resultOf(record: DrillRecord): DrillResult {
  const { settings, thresholds, about, startedAt, endedAt, origin, rolls, partial, clientStalls } = record;
  const requests = [...record.requests].sort((a, b) => a.dueAt - b.dueAt);
  const stopped = new Map<ReplicaLife, StoppedReplica>(
    record.lives.filter(isStopped).map((life) => [life, stoppedReplica(life, origin)]),
  );
  const failures = requests
    .filter(({ outcome }) => outcome !== 'ok')
    .map((request) => failedRequest(request, settings, origin, request.life && stopped.get(request.life)));
  const replicas = [...stopped.values()];
  const totals = totalsOf(record, requests, replicas);
  const made = rolls.map((roll) => rollOf(roll, roll.endedAt ?? endedAt, requests, origin));
  const stalls = clientStalls.map(({ from, to }) => ({ fromMs: from - origin, toMs: to - origin }));
  const advice = adviceOf({ settings, deregisters: record.deregisters, replicas, failures, totals, stalls });
  const verdict = verdictOf({
    totals,
    thresholds,
    shutdowns: replicas.filter(({ diedAlone }) => !diedAlone).length,
    rolls: made,
    partial,
    isGroup: settings.reload !== undefined,
    ofLateClient: failures.filter((failure) => isOfLateClient(failure, { stalls })).length,
  });
  return {
    version: 1,
    about,
    startedAt,
    durationMs: endedAt - origin,
    settings,
    rolls: made,
    totals,
    ...verdict,
    partial,
    advice,
    failures: failures.map(failureEntry),
  };
}

type StoppedLife = ReplicaLife & Required<Pick<ReplicaLife, 'exitedAt' | 'exit'>>;

/** It has ended: it was stopped, or has died by itself. */
function isStopped(life: ReplicaLife): life is StoppedLife {
  return life.exit !== undefined && life.exitedAt !== undefined;
}

function stoppedReplica(life: StoppedLife, origin: number): StoppedReplica {
  const { listener, listenerExited, signalsSeen, phases, report } = life.observations;
  // What happened to one that died by itself is told from its end on.
  const { stoppingAt = life.exitedAt, signalledAt = life.exitedAt } = life;
  return {
    name: life.name,
    lagMs: life.lagMs ?? 0,
    stoppingAtMs: stoppingAt - origin,
    signalledAtMs: signalledAt - origin,
    outOfRotationAtMs: since(life.outOfRotationAt, origin),
    exitedAtMs: life.exitedAt - origin,
    exitCode: life.exit.exitCode,
    exitSignal: life.exit.signal,
    wasKilled: life.exit.killed,
    diedAlone: life.diedAlone === true,
    flaps: life.flapped?.length ?? 0,
    stragglers: life.stragglers ?? [],
    lastReadyAtMs: since(life.lastReadyAt, origin),
    unreadyAtMs: since(life.unreadyAt, origin),
    unreadyStatus: life.unreadyStatus,
    pid: life.pid,
    listener,
    listenerExited,
    signalsSeen,
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

function totalsOf(
  { settings, origin, rolls, clientStalls, knowsServers }: DrillRecord,
  requests: readonly RecordedRequest[],
  replicas: readonly StoppedReplica[],
): Totals {
  const failuresByKind: { [kind: string]: number } = {};
  const latency: { duringRolls: number[]; between: number[] } = { duringRolls: [], between: [] };
  for (const { outcome, dueAt, endedAt } of requests) {
    if (outcome === 'ok') {
      const isInRoll =
        replicas.length > 0
          ? replicas.some((replica) => isStopping(replica, dueAt - origin))
          : // Whoever was stopped, it was then.
            rolls.some(({ rollingAt, rolledAt = Infinity }) => dueAt >= rollingAt && dueAt <= rolledAt);
      latency[isInRoll ? 'duringRolls' : 'between'].push(endedAt - dueAt);
    } else failuresByKind[outcome] = (failuresByKind[outcome] ?? 0) + 1;
  }
  const failed = Object.values(failuresByKind).reduce((sum, count) => sum + count, 0);
  const shutdowns = replicas.filter(({ diedAlone }) => !diedAlone);
  const durations = shutdowns.map(({ signalledAtMs, exitedAtMs }) => exitedAtMs - signalledAtMs);
  const stalls = clientStalls.map(({ from, to }) => to - from);
  return {
    requests: requests.length,
    failed,
    repeated: requests.filter(({ isRepeated }) => isRepeated).length,
    failuresByKind,
    lossUpperBound: lossUpperBound(failed, requests.length),
    latency: { duringRolls: quantilesOf(latency.duringRolls), between: quantilesOf(latency.between) },
    shutdownMs: { median: medianOf(durations), max: Math.max(0, ...durations) },
    killed: shutdowns.filter(({ wasKilled }) => wasKilled).length,
    diedAlone: replicas.filter(({ diedAlone }) => diedAlone).length,
    unseenSignals: shutdowns.filter((replica) => isUnseen(replica, settings.signal)).length,
    failedExits: shutdowns.filter(({ exitCode }) => exitCode !== null && exitCode !== 0).length,
    achievedRate: rateOf(requests),
    answeredByReplicas:
      knowsServers && knowsReplicas(requests, settings)
        ? requests.filter(({ outcome, life }) => outcome === 'ok' && life !== undefined).length
        : undefined,
    clientLate: { maxMs: round(Math.max(0, ...stalls)), totalMs: round(stalls.reduce((sum, ms) => sum + ms, 0)) },
  };
}

/** With a broker in between, or gRPC, nobody knows who has answered, unless a ledger tells. */
function knowsReplicas(requests: readonly RecordedRequest[], { protocol = 'http' }: DrillSettings): boolean {
  return isHttp(protocol) || requests.some(({ life }) => life !== undefined);
}

/** Requests a second, as they were sent. */
function rateOf(requests: readonly RecordedRequest[]): number {
  const sent = requests.map(({ sentAt }) => sentAt);
  const tookMs = sent.reduce((a, b) => Math.max(a, b), -Infinity) - sent.reduce((a, b) => Math.min(a, b), Infinity);
  return tookMs > 0 ? round(((sent.length - 1) * 1_000) / tookMs) : 0;
}

/** From the beginning of its end until it has gone and nobody is sent to it any more. */
function isStopping({ stoppingAtMs, exitedAtMs, outOfRotationAtMs = 0 }: StoppedReplica, atMs: number): boolean {
  return atMs >= stoppingAtMs && atMs <= Math.max(exitedAtMs, outOfRotationAtMs);
}

function rollOf(roll: RecordedRoll, endedAt: number, requests: readonly RecordedRequest[], origin: number): Roll {
  const own = requests.filter(({ dueAt }) => dueAt >= roll.startedAt && dueAt < endedAt);
  const lost = new Set(own.filter(({ outcome }) => outcome !== 'ok').map(({ life }) => life));
  const lives = [...roll.lives];
  const answeredBy = (life: ReplicaLife): number =>
    life.answeredInside ?? own.filter((request) => request.outcome === 'ok' && request.life === life).length;
  return {
    lagMs: roll.lagMs,
    round: roll.round,
    startedAtMs: round(roll.startedAt - origin),
    endedAtMs: round(endedAt - origin),
    replicas: lives.map((life) => ({
      ...timelineOf(life, endedAt, origin, lost.has(life)),
      answered: answeredBy(life),
    })),
    samples: samplesOf(own, lives, origin),
  };
}

/** What happened to it up to the end of the roll: its own end belongs to the next one if it comes later. */
function timelineOf(life: ReplicaLife, endedAt: number, origin: number, hasLost: boolean): ReplicaTimeline {
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
    diedAlone: hasExited && life.diedAlone ? true : undefined,
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
