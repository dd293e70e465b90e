import { type DrillOptions, type DrillStep } from './drill-options.js';
import { type ReplicaLife } from './record.js';
import { type DrillSettings } from './result.js';

/** A step, without what every step has. */
export type Happening = DrillStep extends infer Step
  ? Step extends unknown
    ? Omit<Step, 'atMs' | 'counts'>
    : never
  : never;

/** What a target is given of the drill it belongs to. */
export interface TargetContext {
  readonly options: DrillOptions;
  readonly settings: DrillSettings;
  /** Aborted when the drill ends, for whatever reason: nothing is started any more. */
  readonly signal: AbortSignal;
  readonly tell: (step: Happening) => void;
  /** What a replica needs in its environment for the drill to know what it has executed. */
  readonly environmentOf?: (replica: string) => Readonly<Record<string, string>>;
}

/** One rolling restart that is to be made. */
export interface PlannedRoll {
  /** How long new connections go on coming to one that leaves; missing when somebody else decides. */
  readonly lagMs?: number;
  /** From 1. */
  readonly round: number;
}

/** What is asked, and rolled meanwhile: replicas behind a balancer, a group of processes, or what others operate. */
export interface Target {
  /** Where requests go; known once it has started. */
  readonly url: string;
  /** Everyone that has lived so far and is known. */
  readonly lives: readonly ReplicaLife[];
  /** In the order they are made. */
  readonly rolls: readonly PlannedRoll[];
  /** Resolves when it may be asked. Rejects with a `BadInputError` when it does not come up. */
  start(): Promise<void>;
  /** Rolls it once. Those that live in the roll are put into `lives`, also when it rejects. */
  roll(plan: PlannedRoll, lives: Set<ReplicaLife>): Promise<void>;
  /** Who served the client connection opened from this port, when that is known. */
  servedBy?(localPort: number): ReplicaLife | undefined;
  /** Reports whether that connection was refused behind the balancer, which its client cannot know. */
  wasRefused?(localPort: number): boolean;
  /** Ends everything it has started. Nothing is recorded any more. */
  close(): Promise<void>;
}
