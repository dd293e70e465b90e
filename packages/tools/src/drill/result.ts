/**
 * What a drill has found: plain data, which `--json` prints as it is and every report is made from. Instants are ms
 * since the drill's first request was due; what happened before has a negative one.
 *
 * @publicApi
 */
export interface DrillResult {
  /** Of this shape. */
  readonly version: 1;
  /** What was drilled, as far as its folder tells. */
  readonly about: About;
  /** Calendar time of instant 0, ISO 8601. */
  readonly startedAt: string;
  /** From the first request that was due to the last outcome. */
  readonly durationMs: number;
  /** What was asked for. */
  readonly settings: DrillSettings;
  /** In the order they were made. */
  readonly rolls: readonly Roll[];
  /** Over all rolls. */
  readonly totals: Totals;
  /** What it comes to: `npx nestjs-drain drill` exits with 0, 1 and 3 for these. */
  readonly conclusion: Conclusion;
  /** Reports whether no request failed, every replica stopped as it should, and enough was asked to say so. */
  readonly lostNothing: boolean;
  /** Missing when the drill was made to its end. */
  readonly partial?: Interruption;
  /** The verdict in one sentence. */
  readonly verdict: string;
  /** What to change, the gravest first. Empty when there is nothing to say. */
  readonly advice: readonly Advice[];
  /** Every request that failed, in the order they were due. */
  readonly failures: readonly FailureEntry[];
}

/**
 * - `passed`: nothing was lost, or no more than was allowed
 * - `failed`: requests were lost, a replica did not stop as it should, or answers were slower than was allowed
 * - `not-known`: too little was asked, or of others, or the drill itself was late: nothing can be concluded
 *
 * @publicApi
 */
export type Conclusion = 'passed' | 'failed' | 'not-known';

/**
 * Why a drill ended before its end.
 *
 * @publicApi
 */
export interface Interruption {
  /** It was aborted by its caller, or something failed that it needed. */
  readonly kind: 'interrupted' | 'failed';
  /** In a line. */
  readonly reason: string;
}

/**
 * What was drilled. What is not known is missing.
 *
 * @publicApi
 */
export interface About {
  /** As it was given. */
  readonly title?: string;
  /** The name and the version in the nearest package.json. */
  readonly service?: string;
  /** See `service`. */
  readonly serviceVersion?: string;
  /** As `3f2a9c1`, with a `+` when files differ from it. */
  readonly commit?: string;
  /** The version of Node that ran the drill. */
  readonly node: string;
  /** The version of nestjs-drain that the service finds. */
  readonly drain?: string;
  /** The version of Nest that the service finds. */
  readonly nest?: string;
}

/**
 * What is still good enough.
 *
 * @publicApi
 */
export interface Thresholds {
  /** For the 99th percentile of answers in rolls. */
  readonly maxP99Ms?: number;
  /** The share of requests, 0 to 1, that may fail. */
  readonly maxLoss?: number;
}

/**
 * One request that failed.
 *
 * @publicApi
 */
export interface FailureEntry {
  /** How it failed. */
  readonly kind: Outcome;
  /** As `GET /orders`. */
  readonly request: string;
  /** When it had failed. */
  readonly atMs: number;
  /** Who served it, when it is one that was stopped. */
  readonly replica?: string;
  /** How long after the signal of that replica it had failed; negative before it. */
  readonly sinceSignalMs?: number;
  /** Whether an earlier request had used the same connection. */
  readonly reusedConnection: boolean;
  /** What else is known, such as the error of the socket. */
  readonly detail?: string;
}

/**
 * What a drill was asked for.
 *
 * @publicApi
 */
export interface DrillSettings {
  /** The command as it was given. */
  readonly command: readonly string[];
  /** The name of the platform. */
  readonly preset: string;
  /** As URLs have it, or the transport of messages. Missing in results of before. */
  readonly protocol?: string;
  /** How many serve at a time. */
  readonly replicas: number;
  /** Somebody else's service, and the command that has it rolled. */
  readonly attach?: { readonly url: string; readonly during: string };
  /** The command that reloads the group of processes, or the name of a preset. */
  readonly reload?: string;
  /** Rolls with each lag. */
  readonly rounds: number;
  /** Requests a second. */
  readonly ratePerSecond: number;
  /** How long the balancer goes on sending new connections to a replica that leaves; rolls for each. */
  readonly lagsMs: readonly number[];
  /** The path that is probed. */
  readonly readinessPath: string;
  /** The signal that stops a replica. */
  readonly signal: string;
  /** From the beginning of the end to the signal. */
  readonly preStopMs: number;
  /** From the beginning of the end to SIGKILL. */
  readonly graceMs: number;
  /** After this long without a whole answer a request has failed. */
  readonly timeoutMs: number;
  /** As `GET /orders`, with its share of all requests, 0 to 1. */
  readonly requests: readonly { readonly name: string; readonly share: number }[];
}

/**
 * One rolling restart of every replica.
 *
 * @publicApi
 */
export interface Roll {
  /** How long the balancer went on sending new connections to a replica that left; missing when it is not known. */
  readonly lagMs?: number;
  /** From 1. */
  readonly round: number;
  /** When the roll began. */
  readonly startedAtMs: number;
  /** When the roll had ended, its cool-down included. */
  readonly endedAtMs: number;
  /** Those that lived during the roll. */
  readonly replicas: readonly ReplicaTimeline[];
  /** Every request that was due in it. */
  readonly samples: Samples;
}

/**
 * One replica's life. What did not happen is missing.
 *
 * @publicApi
 */
export interface ReplicaTimeline {
  /** As `replica-1`. */
  readonly name: string;
  /** When its process was started. */
  readonly startedAtMs: number;
  /** Its readiness path answered 200 for the first time. */
  readonly readyAtMs?: number;
  /** When the balancer began to send it new connections. */
  readonly inRotationAtMs?: number;
  /** When the balancer ceased to send it new connections. */
  readonly outOfRotationAtMs?: number;
  /** When the platform's procedure began, with its preStop wait. */
  readonly stoppingAtMs?: number;
  /** When the signal was sent. */
  readonly signalledAtMs?: number;
  /** Its readiness path ceased to answer 200. */
  readonly unreadyAtMs?: number;
  /** When its process had ended. */
  readonly exitedAtMs?: number;
  /** As Node reports it. */
  readonly exitCode?: number | null;
  /** The signal it died of, as Node reports it. */
  readonly exitSignal?: string | null;
  /** It outlived its grace, and was sent SIGKILL. */
  readonly wasKilled: boolean;
  /** It ended although nobody had stopped it. */
  readonly diedAlone?: boolean;
  /** How many requests of the roll it answered whole and right. */
  readonly answered?: number;
  /** The phases nestjs-drain went through, where the application has it. */
  readonly phases: readonly { readonly phase: string; readonly atMs: number }[];
  /** The report of nestjs-drain. */
  readonly report?: unknown;
  /** The end of what it printed, when it died or lost requests. */
  readonly output?: string;
}

/**
 * The requests of a roll, a column each: thousands of objects would make a report of megabytes.
 *
 * @publicApi
 */
export interface Samples {
  /** When each was due. It was sent then, or later, and is charged from then. */
  readonly dueAtMs: readonly number[];
  /** From when it was due to its outcome. */
  readonly latencyMs: readonly number[];
  /** An index into `outcomes`. */
  readonly outcome: readonly number[];
  /** An index into `replicas` of the roll; −1 when it is not known who served it. */
  readonly replica: readonly number[];
  /** An index into `settings.requests`. */
  readonly request: readonly number[];
  /** `ok`, or a kind of failure. */
  readonly outcomes: readonly Outcome[];
}

/**
 * `ok`, or a `FailureKind`: `reset`, `status-503` and their like. A result may come from another version, and hold one
 * that is not known.
 *
 * @publicApi
 */
export type Outcome = string;

/**
 * The sums of a drill.
 *
 * @publicApi
 */
export interface Totals {
  /** Requests that had an outcome. */
  readonly requests: number;
  /** Those that were not answered, or not rightly. */
  readonly failed: number;
  /**
   * Requests that were refused unseen, as their protocol says, and sent again: what became of them then is what counts.
   * Missing in results of before.
   */
  readonly repeated?: number;
  /** How many failed in each way. */
  readonly failuresByKind: Readonly<Record<Outcome, number>>;
  /** The upper bound of the loss rate with 95 % confidence, 0 to 1: 3/N when none failed. */
  readonly lossUpperBound: number;
  /** While a replica was being stopped, and at all other times. */
  readonly latency: { readonly duringRolls: Quantiles; readonly between: Quantiles };
  /** From the signal to the exit. */
  readonly shutdownMs: { readonly median: number; readonly max: number };
  /** Replicas that had to be ended with SIGKILL. */
  readonly killed: number;
  /** Replicas that ended although nobody had stopped them. */
  readonly diedAlone: number;
  /** Replicas whose process that listens never saw the signal. */
  readonly unseenSignals: number;
  /** Replicas that stopped with an exit code other than 0. */
  readonly failedExits: number;
  /** Requests a second that were sent; less than was asked for when the client could not. */
  readonly achievedRate: number;
  /** Requests that were answered whole and right by a replica of the drill; missing where replicas are not known. */
  readonly answeredByReplicas?: number;
  /** How late the client itself was: the longest, and all of it together. */
  readonly clientLate: { readonly maxMs: number; readonly totalMs: number };
}

/**
 * How long answers took, from when a request was due.
 *
 * @publicApi
 */
export interface Quantiles {
  /** Of how many requests. */
  readonly count: number;
  /** Half were answered within this. */
  readonly p50Ms: number;
  /** 95 % were answered within this. */
  readonly p95Ms: number;
  /** 99 % were answered within this. */
  readonly p99Ms: number;
  /** The slowest. */
  readonly maxMs: number;
}

/**
 * One thing to change.
 *
 * @publicApi
 */
export interface Advice {
  /** Stable, for scripts: `readiness-not-failing`, `killed`, … */
  readonly code: string;
  /** What was seen, with figures. */
  readonly finding: string;
  /** What to do about it. */
  readonly fix: string;
}
