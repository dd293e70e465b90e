import { quantilesOf } from '../../../../src/drill/report/latency.js';
import {
  type Advice,
  type DrillResult,
  type DrillSettings,
  type ReplicaTimeline,
  type Roll,
  type Samples,
} from '../../../../src/drill/result.js';

export interface FixtureOptions {
  /** The same seed gives the same result. */
  readonly seed?: number;
  /** Of both rolls together. */
  readonly requests?: number;
}

type Random = () => number;
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const rollMs = 10_000;
const outcomes = ['ok', 'reset', 'refused', 'cut-short', 'timed-out', 'status-503'];
const settings: DrillSettings = {
  command: ['node', 'dist/main.js'],
  preset: 'kubernetes',
  replicas: 3,
  rounds: 1,
  ratePerSecond: 0,
  lagsMs: [0, 500],
  readinessPath: '/health/ready',
  signal: 'SIGTERM',
  preStopMs: 0,
  graceMs: 1_800,
  timeoutMs: 2_000,
  requests: [
    { name: 'GET /orders', share: 0.8 },
    { name: 'POST /orders', share: 0.2 },
  ],
};

/** Three replicas of an application with nestjs-drain, rolled once at each of two lags. */
export function losslessResult({ seed = 1, requests = 4_000 }: FixtureOptions = {}): DrillResult {
  return resultOf(seed, requests, drained, []);
}

/** The same of an application that ends at the signal, with one replica that hangs until it is killed. */
export function lossyResult({ seed = 1, requests = 4_000 }: FixtureOptions = {}): DrillResult {
  return resultOf(seed, requests, stopped, [
    {
      code: 'readiness-not-failing',
      finding: 'Readiness still answered 200 when the process was gone, in 5 of 6 stops.',
      fix: 'Import GracefulShutdownModule: it fails readiness at the signal and serves until traffic has gone away. Without it, a preStop sleep of at least the lag helps.',
    },
    {
      code: 'killed',
      finding: 'api-3 was killed after 1.8 s: something kept its event loop alive.',
      fix: 'Close what is open in onModuleDestroy, or give the container a longer terminationGracePeriodSeconds.',
    },
  ]);
}

function resultOf(seed: number, requests: number, stop: Stop, advice: readonly Advice[]): DrillResult {
  const random = randomOf(seed);
  const ratePerSecond = requests / settings.lagsMs.length / (rollMs / 1_000);
  const rolls = settings.lagsMs.map((lagMs, index) =>
    rollOf(random, index * (rollMs + 500), lagMs, ratePerSecond, stop),
  );
  const failuresByKind: Record<string, number> = {};
  for (const { samples } of rolls) {
    for (const index of samples.outcome) {
      const outcome = outcomes[index] ?? 'other';
      if (outcome !== 'ok') failuresByKind[outcome] = (failuresByKind[outcome] ?? 0) + 1;
    }
  }
  const failed = Object.values(failuresByKind).reduce((a, b) => a + b, 0);
  const all = rolls.flatMap(({ replicas }) => replicas);
  const stops = all.flatMap(({ exitedAtMs, signalledAtMs }) =>
    exitedAtMs === undefined || signalledAtMs === undefined ? [] : [exitedAtMs - signalledAtMs],
  );
  const killed = all.filter(({ wasKilled }) => wasKilled).length;
  const total = rolls.reduce((sum, { samples }) => sum + samples.outcome.length, 0);
  const latencies = rolls.flatMap(({ samples }) =>
    samples.latencyMs.filter((_, index) => samples.outcome[index] === 0),
  );
  return {
    version: 1,
    about: {
      service: 'orders',
      serviceVersion: '1.4.0',
      commit: '3f2a9c1',
      node: '24.1.0',
      drain: '0.2.0',
      nest: '12.5.1',
    },
    startedAt: '2026-03-02T09:30:00.000Z',
    durationMs: rolls.length * (rollMs + 500),
    settings: { ...settings, ratePerSecond },
    rolls,
    totals: {
      requests: total,
      failed,
      failuresByKind,
      lossUpperBound: (failed + (failed === 0 ? 3 : 1.96 * Math.sqrt(failed))) / total,
      latency: {
        duringRolls: quantilesOf(latencies),
        between: quantilesOf(latencies.filter((_, index) => index % 3 === 0).map((ms) => ms * 0.8)),
      },
      shutdownMs: { median: stops.sort((a, b) => a - b)[stops.length >> 1] ?? 0, max: Math.max(...stops) },
      killed,
      diedAlone: 0,
      unseenSignals: 0,
      failedExits: 0,
      achievedRate: ratePerSecond,
      answeredByReplicas: total - failed,
      clientLate: { maxMs: 0, totalMs: 0 },
    },
    conclusion: failed === 0 && killed === 0 ? 'passed' : 'failed',
    lostNothing: failed === 0 && killed === 0,
    verdict:
      failed === 0
        ? `None of ${total.toLocaleString('en-US')} requests was lost in 2 rolling restarts of 3 replicas.`
        : `${failed} of ${total.toLocaleString('en-US')} requests were lost in 2 rolling restarts of 3 replicas, and one replica had to be killed.`,
    advice,
    failures: [],
  };
}

function rollOf(random: Random, startedAtMs: number, lagMs: number, ratePerSecond: number, stop: Stop): Roll {
  const replicas: Writable<ReplicaTimeline>[] = [1, 2, 3].map((number) =>
    served(`api-${number}`, startedAtMs - 1_500 - number * 40, 700),
  );
  for (const [index, old] of [...replicas].entries()) {
    const fresh = served(`api-${index + 4}`, startedAtMs + 900 + index * 2_700, 520 + 160 * random());
    replicas.push(fresh);
    stop(old, (fresh.inRotationAtMs ?? 0) + 20, lagMs, random);
  }
  return {
    lagMs,
    round: 1,
    startedAtMs,
    endedAtMs: startedAtMs + rollMs,
    replicas,
    samples: samplesOf(random, startedAtMs, ratePerSecond, replicas),
  };
}

function served(name: string, startedAtMs: number, readyMs: number): Writable<ReplicaTimeline> {
  const readyAtMs = startedAtMs + readyMs;
  return { name, startedAtMs, readyAtMs, inRotationAtMs: readyAtMs + 60, wasKilled: false, phases: [] };
}

/** Fills in how a replica ended that got its signal at a moment. */
type Stop = (replica: Writable<ReplicaTimeline>, atMs: number, lagMs: number, random: Random) => void;

const drained: Stop = (replica, atMs, lagMs, random) => {
  const drainingAtMs = atMs + 1_000;
  const releasingAtMs = drainingAtMs + 90 + 60 * random();
  const exitedAtMs = releasingAtMs + 70;
  Object.assign(replica, {
    stoppingAtMs: atMs,
    signalledAtMs: atMs,
    unreadyAtMs: atMs + 15 + 70 * random(),
    outOfRotationAtMs: atMs + 90 + lagMs,
    exitedAtMs,
    exitCode: 0,
    exitSignal: null,
    phases: [
      { phase: 'lame-duck', atMs },
      { phase: 'draining', atMs: drainingAtMs },
      { phase: 'releasing', atMs: releasingAtMs },
      { phase: 'closed', atMs: exitedAtMs - 5 },
    ],
    report: { outcome: 'drained', clean: true, refused: 0, leftovers: [], inFlight: { atSignal: 4, finished: 4 } },
  });
};

const stopped: Stop = (replica, atMs, lagMs, random) => {
  const hangs = replica.name === 'api-3' && lagMs > 0;
  const exitedAtMs = atMs + (hangs ? settings.graceMs : 60 + 90 * random());
  const unreadyAtMs = hangs ? atMs + 30 : exitedAtMs + 100 * random();
  Object.assign(replica, {
    stoppingAtMs: atMs,
    signalledAtMs: atMs,
    unreadyAtMs,
    outOfRotationAtMs: unreadyAtMs + lagMs + 10,
    exitedAtMs,
    exitCode: hangs ? null : 0,
    exitSignal: hangs ? 'SIGKILL' : null,
    wasKilled: hangs,
    output: hangs
      ? '[Nest] 41 - LOG [NestApplication] SIGTERM\nclosing the pool: 3 clients are still checked out'
      : undefined,
  });
};

function samplesOf(
  random: Random,
  startedAtMs: number,
  ratePerSecond: number,
  replicas: readonly ReplicaTimeline[],
): Samples {
  const count = Math.round((rollMs / 1_000) * ratePerSecond);
  const columns = {
    dueAtMs: [] as number[],
    latencyMs: [] as number[],
    outcome: [] as number[],
    replica: [] as number[],
  };
  const request: number[] = [];
  for (let index = 0; index < count; index++) {
    const dueAtMs = startedAtMs + (index * 1_000) / ratePerSecond;
    const serving = replicas.filter((each) => isIn(each, dueAtMs));
    const replica = serving[index % serving.length];
    const isPost = index % 5 === 4;
    const normalMs = (isPost ? 22 : 6) * Math.exp(0.45 * normal(random)) * (random() < 0.01 ? 4 : 1);
    const { outcome, latencyMs } = servedBy(replica, dueAtMs, normalMs, random);
    columns.dueAtMs.push(dueAtMs);
    columns.latencyMs.push(latencyMs);
    columns.outcome.push(outcomes.indexOf(outcome));
    columns.replica.push(outcome === 'refused' && random() < 0.1 ? -1 : replicas.indexOf(replica as ReplicaTimeline));
    request.push(isPost ? 1 : 0);
  }
  return { ...columns, request, outcomes };
}

function servedBy(replica: ReplicaTimeline | undefined, dueAtMs: number, latencyMs: number, random: Random) {
  const { exitedAtMs = Infinity, signalledAtMs = Infinity, wasKilled = false } = replica ?? {};
  if (dueAtMs >= exitedAtMs) return { outcome: 'refused', latencyMs: 0.3 + random() };
  if (wasKilled && dueAtMs > signalledAtMs && random() < 0.6)
    return { outcome: 'timed-out', latencyMs: settings.timeoutMs };
  if (wasKilled && dueAtMs > signalledAtMs && random() < 0.4) return { outcome: 'status-503', latencyMs };
  if (dueAtMs + latencyMs < exitedAtMs) return { outcome: 'ok', latencyMs };
  return { outcome: random() < 0.25 ? 'cut-short' : 'reset', latencyMs: exitedAtMs - dueAtMs };
}

function isIn({ inRotationAtMs = Infinity, outOfRotationAtMs = Infinity }: ReplicaTimeline, atMs: number): boolean {
  return inRotationAtMs <= atMs && atMs < outOfRotationAtMs;
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Mulberry32. */
function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
