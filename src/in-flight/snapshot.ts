import { type ShutdownPhase } from '../sequence/phase.js';

/**
 * What can be counted of an application at one moment. Plain data.
 *
 * @publicApi
 */
export interface ShutdownSnapshot {
  /** Where the shutdown stands. */
  readonly phase: ShutdownPhase;
  /** How many pieces of work are in flight, by kind: `request`, `handler`, `message`, `task`, `lease`, ... */
  readonly inFlight: Readonly<Record<string, number>>;
  /** See `ShutdownReport.refused`, so far. */
  readonly refused: number;
  /** See `ShutdownReport.skipped`, so far. */
  readonly skipped: number;
  /** See `ShutdownReport.afterUnready`, so far. */
  readonly afterUnready: number;
}

/** What a snapshot is taken of. */
interface Counted {
  readonly phase: ShutdownPhase;
  readonly tracker: { countByKind(): Record<string, number> };
  readonly sequence: { readonly refused: number; readonly skipped: number };
  readonly traffic: { readonly afterUnready: { readonly count: number } };
}

/** Reads what has been counted anyway; only work in flight is looked through. */
export function snapshotOf({ phase, tracker, sequence, traffic }: Counted): ShutdownSnapshot {
  const { refused, skipped } = sequence;
  return { phase, inFlight: tracker.countByKind(), refused, skipped, afterUnready: traffic.afterUnready.count };
}
