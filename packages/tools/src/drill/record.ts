import { type Observations } from './observations.js';
import { type ReplicaExit } from './replica.js';
import { type About, type DrillSettings, type Interruption, type Thresholds } from './result.js';

/** What became of one replica so far. Instants are `performance.now()`. */
export interface ReplicaLife {
  readonly name: string;
  readonly pid?: number;
  readonly startedAt: number;
  readyAt?: number;
  observations: Observations;
  lagMs?: number;
  inRotationAt?: number;
  outOfRotationAt?: number;
  stoppingAt?: number;
  signalledAt?: number;
  lastReadyAt?: number;
  unreadyAt?: number;
  unreadyStatus?: number;
  /** When its readiness failed, and came back, while nobody had stopped it. */
  flapped?: number[];
  exitedAt?: number;
  exit?: ReplicaExit;
  /** Nobody had stopped it when it ended. */
  diedAlone?: boolean;
  /** Processes of its that had left its process group, and were ended. */
  stragglers?: readonly string[];
  output?: string;
  /** How many requests it has answered, as it says itself. */
  answeredInside?: number;
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
  /** It was refused unseen before, and sent again. */
  readonly isRepeated?: boolean;
}

export interface RecordedRoll {
  readonly lagMs?: number;
  readonly round: number;
  readonly startedAt: number;
  /** When rolling began: in the first roll, after the warm-up. */
  readonly rollingAt: number;
  /** When the target had been rolled, and its cool-down began. */
  rolledAt?: number;
  /** Missing when the drill ended in it. */
  endedAt?: number;
  /** Those that were stopped in it, and their successors. */
  readonly lives: ReadonlySet<ReplicaLife>;
}

/** Everything a result is made from. */
export interface DrillRecord {
  readonly settings: DrillSettings;
  readonly thresholds: Thresholds;
  readonly about: About;
  readonly deregisters: boolean;
  /** Whether it is known which replica has answered a request. */
  readonly knowsServers: boolean;
  /** Calendar time of instant 0, and `performance.now()` of it. */
  readonly startedAt: string;
  readonly origin: number;
  readonly endedAt: number;
  readonly lives: readonly ReplicaLife[];
  readonly rolls: readonly RecordedRoll[];
  readonly requests: readonly RecordedRequest[];
  /** How late the client itself came to send, in the order requests were due. */
  readonly clientStalls: readonly Stall[];
  readonly partial?: Interruption;
}

/** A stretch in which this process did not come to its timers. Instants are `performance.now()`. */
export interface Stall {
  readonly from: number;
  readonly to: number;
}
