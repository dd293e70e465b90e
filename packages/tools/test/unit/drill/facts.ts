import { type FailedRequest, type Facts, type StoppedReplica } from '../../../src/drill/advice/facts.js';
import { type Totals } from '../../../src/drill/result.js';

/** Facts of a drill in which nothing was wrong; tests break them. */
export const settings = {
  command: ['node', 'dist/main.js'],
  preset: 'kubernetes',
  replicas: 2,
  rounds: 1,
  ratePerSecond: 100,
  lagsMs: [2_000],
  readinessPath: '/health/ready',
  signal: 'SIGTERM',
  preStopMs: 0,
  graceMs: 30_000,
  timeoutMs: 10_000,
  requests: [{ name: 'GET /orders', share: 1 }],
};

export const calm = { count: 1_000, p50Ms: 5, p95Ms: 10, p99Ms: 20, maxMs: 30 };

export const totals: Totals = {
  requests: 2_000,
  failed: 0,
  failuresByKind: {},
  lossUpperBound: 0.0015,
  latency: { duringRolls: calm, between: calm },
  shutdownMs: { median: 6_000, max: 6_000 },
  killed: 0,
  diedAlone: 0,
  unseenSignals: 0,
  failedExits: 0,
  achievedRate: 100,
  answeredByReplicas: 2_000,
  clientLate: { maxMs: 0, totalMs: 0 },
};

/** One with nestjs-drain, signalled at 10 s: lame duck of 5 s, out of rotation after 2 s, gone after 6 s. */
export function stopped(changes: Partial<StoppedReplica> = {}): StoppedReplica {
  return {
    name: 'replica-1',
    lagMs: 2_000,
    stoppingAtMs: 10_000,
    signalledAtMs: 10_000,
    outOfRotationAtMs: 12_000,
    exitedAtMs: 16_000,
    exitCode: 0,
    exitSignal: null,
    wasKilled: false,
    diedAlone: false,
    flaps: 0,
    stragglers: [],
    lastReadyAtMs: 9_950,
    unreadyAtMs: 10_050,
    unreadyStatus: 503,
    pid: 100,
    listener: { pid: 100, address: '127.0.0.1', signalListeners: { SIGTERM: 1, SIGINT: 1 } },
    listenerExited: true,
    signalsSeen: ['SIGTERM'],
    phases: [
      { phase: 'lame-duck', atMs: 10_001 },
      { phase: 'draining', atMs: 15_001 },
      { phase: 'releasing', atMs: 15_100 },
      { phase: 'closed', atMs: 15_990 },
    ],
    report: { outcome: 'drained', leftovers: [] },
    ...changes,
  };
}

/** Without nestjs-drain. */
export function plain(changes: Partial<StoppedReplica> = {}): StoppedReplica {
  return stopped({ phases: [], report: undefined, ...changes });
}

/** A request that was sent `sentMs` after the signal and had failed `afterMs` later. */
export function failed(
  replica: StoppedReplica | undefined,
  kind: string,
  sentMs: number,
  afterMs = 5,
  changes: Partial<FailedRequest> = {},
): FailedRequest {
  const sentAtMs = (replica?.signalledAtMs ?? 0) + sentMs;
  return {
    kind,
    request: 'GET /orders',
    sentAtMs,
    endedAtMs: sentAtMs + afterMs,
    reusedConnection: true,
    replica,
    ...changes,
  };
}

export function factsOf(changes: Partial<Facts> = {}): Facts {
  const { replicas = [stopped()], failures = [] } = changes;
  return { settings, deregisters: true, replicas, failures, totals, stalls: [], ...changes };
}
