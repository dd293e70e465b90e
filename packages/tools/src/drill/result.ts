/**
 * What a drill has found: plain data, which `--json` prints as it is and every report is made from. Instants are ms since the drill's first request
 * was due; what happened before has a negative one.
 */
export interface DrillResult {
  readonly version: 1;
  /** Calendar time of instant 0, ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly settings: DrillSettings;
  readonly rolls: readonly Roll[];
  readonly totals: Totals;
  /** Reports whether no request failed and no replica had to be killed. */
  readonly lostNothing: boolean;
  /** The verdict in one sentence. */
  readonly verdict: string;
  /** What to change, the gravest first. Empty when there is nothing to say. */
  readonly advice: readonly Advice[];
  /** Every request that failed, in the order they were due. */
  readonly failures: readonly FailureEntry[];
}

/** One request that failed. */
export interface FailureEntry {
  readonly kind: Outcome;
  /** As `GET /orders`. */
  readonly request: string;
  /** When it had failed. */
  readonly atMs: number;
  /** Who served it, when it is one that was stopped, and how long after its signal the request had failed; negative before it. */
  readonly replica?: string;
  readonly sinceSignalMs?: number;
  /** Whether an earlier request had used the same connection. */
  readonly reusedConnection: boolean;
  readonly detail?: string;
}

export interface DrillSettings {
  /** The command as it was given. */
  readonly command: readonly string[];
  readonly preset: string;
  readonly replicas: number;
  readonly rounds: number;
  readonly ratePerSecond: number;
  readonly lagsMs: readonly number[];
  readonly readinessPath: string;
  readonly signal: string;
  readonly preStopMs: number;
  readonly graceMs: number;
  readonly timeoutMs: number;
  /** As `GET /orders`, with its share of all requests, 0 to 1. */
  readonly requests: readonly { readonly name: string; readonly share: number }[];
}

/** One rolling restart of every replica. */
export interface Roll {
  readonly lagMs: number;
  /** From 1. */
  readonly round: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly replicas: readonly ReplicaTimeline[];
  readonly samples: Samples;
}

/** One replica's life. What did not happen is missing. */
export interface ReplicaTimeline {
  readonly name: string;
  readonly startedAtMs: number;
  /** Its readiness path answered 200 for the first time. */
  readonly readyAtMs?: number;
  /** The balancer began, and ceased, to send it new connections. */
  readonly inRotationAtMs?: number;
  readonly outOfRotationAtMs?: number;
  /** The platform's procedure began (preStop), and the signal was sent. */
  readonly stoppingAtMs?: number;
  readonly signalledAtMs?: number;
  /** Its readiness path ceased to answer 200. */
  readonly unreadyAtMs?: number;
  readonly exitedAtMs?: number;
  readonly exitCode?: number | null;
  readonly exitSignal?: string | null;
  /** It outlived its grace, and was sent SIGKILL. */
  readonly wasKilled: boolean;
  /** The phases nestjs-drain went through, where the application has it. */
  readonly phases: readonly { readonly phase: string; readonly atMs: number }[];
  /** The report of nestjs-drain. */
  readonly report?: unknown;
  /** The end of what it printed, when it died or lost requests. */
  readonly output?: string;
}

/** The requests of a roll, a column each: thousands of objects would make a report of megabytes. */
export interface Samples {
  /** When each was due. It was sent then, or later, and is charged from then. */
  readonly dueAtMs: readonly number[];
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

/** `ok`, or a `FailureKind`: `reset`, `status-503` and their like. A result may come from another version, and hold one that is not known. */
export type Outcome = string;

export interface Totals {
  readonly requests: number;
  readonly failed: number;
  readonly failuresByKind: Readonly<Record<Outcome, number>>;
  /** The upper bound of the loss rate with 95 % confidence, 0 to 1: 3/N when none failed. */
  readonly lossUpperBound: number;
  readonly latency: { readonly duringRolls: Quantiles; readonly between: Quantiles };
  readonly shutdownMs: { readonly median: number; readonly max: number };
  readonly killed: number;
}

export interface Quantiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Advice {
  /** Stable, for scripts: `readiness-not-failing`, `killed`, … */
  readonly code: string;
  /** What was seen, with figures. */
  readonly finding: string;
  /** What to do about it. */
  readonly fix: string;
}
