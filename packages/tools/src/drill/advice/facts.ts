import { type ListenerFacts } from '../observations.js';
import { type Advice, type DrillSettings, type Totals } from '../result.js';

/** What the detectors are given. Instants are those of the result. */
export interface Facts {
  readonly settings: DrillSettings;
  /** Whether the platform takes a replica out of rotation whatever its readiness says. */
  readonly deregisters: boolean;
  /** Every replica that was stopped. */
  readonly replicas: readonly StoppedReplica[];
  /** Those that no detector before has explained. */
  readonly failures: readonly FailedRequest[];
  readonly totals: Totals;
  /** When the client itself did not come to its work. */
  readonly stalls: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** One replica that was stopped, or has died by itself: all that is told of its signal is told of its end then. */
export interface StoppedReplica {
  readonly name: string;
  /** The lag of the roll it was stopped in. */
  readonly lagMs: number;
  readonly stoppingAtMs: number;
  readonly signalledAtMs: number;
  readonly outOfRotationAtMs?: number;
  readonly exitedAtMs: number;
  readonly exitCode: number | null;
  readonly exitSignal: string | null;
  readonly wasKilled: boolean;
  /** Nobody had stopped it. */
  readonly diedAlone: boolean;
  /** How often its readiness changed while nobody stopped it. */
  readonly flaps: number;
  /** Processes of its that had left its process group. */
  readonly stragglers: readonly string[];
  /** Its readiness path answered 200 for the last time. */
  readonly lastReadyAtMs?: number;
  /**
   * Its readiness path ceased to answer 200, and what it answered instead; no status when nothing answered any more.
   */
  readonly unreadyAtMs?: number;
  readonly unreadyStatus?: number;
  /** The process that was started, and sent the signal. */
  readonly pid?: number;
  /** The process that listens; missing when nothing could be observed from inside. */
  readonly listener?: ListenerFacts;
  /** Whether the process that listens ended by itself. */
  readonly listenerExited: boolean;
  /** The signals that came to listeners of that process. */
  readonly signalsSeen: readonly string[];
  readonly phases: readonly { readonly phase: string; readonly atMs: number }[];
  readonly report?: unknown;
}

export interface FailedRequest {
  readonly kind: string;
  /** As `GET /orders`. */
  readonly request: string;
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  readonly reusedConnection: boolean;
  readonly detail?: string;
  /** Who served it, if that one was stopped. */
  readonly replica?: StoppedReplica;
}

/** Advice, and the failed requests it accounts for: no later detector sees them. */
export interface Diagnosis {
  readonly advice: Advice;
  readonly explains: readonly FailedRequest[];
}

/** Looks for one fault. */
export type Detector = (facts: Facts) => Diagnosis | undefined;
