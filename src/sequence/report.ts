import { type Leftover } from './drainable.js';
import { type ShutdownPhase } from './phase.js';

/**
 * How the drain ended. It is decided when the drain has ended, and never changes.
 *
 * - `drained`: all work in flight has finished
 * - `timed-out`: the drain deadline or the hard stop came before
 * - `forced`: a second signal came before
 *
 * @publicApi
 */
export type ShutdownOutcome = 'drained' | 'timed-out' | 'forced';

/**
 * What ended the shutdown as a whole.
 *
 * - `host`: Nest has destroyed everything
 * - `second-signal`: a second signal came before
 * - `hard-stop`: one second before the end of `gracePeriodMs` nobody was waited for any longer
 *
 * @publicApi
 */
export type ShutdownEnd = 'host' | 'second-signal' | 'hard-stop';

/**
 * What became of one hook.
 *
 * @publicApi
 */
export interface HookReport {
  /** `Class.method`, the name of its function, or what its options say. */
  readonly name: string;
  /** The phase it ran in. */
  readonly phase: ShutdownPhase;
  /** How long it ran, ms. */
  readonly ms: number;
  /** `timed-out`: it had not settled when its time was up, or when nobody waited any longer. */
  readonly outcome: 'fulfilled' | 'rejected' | 'timed-out';
  /** Why it was not fulfilled. */
  readonly error?: string;
}

/**
 * The account of one shutdown. Plain data: `JSON.stringify` it. Durations are ms.
 *
 * @publicApi
 */
export interface ShutdownReport {
  /** `signal SIGTERM`, `app.close()`, or what was given to `shutdown(reason)`. */
  readonly reason: string;
  /** How the drain ended. */
  readonly outcome: ShutdownOutcome;
  /** What ended the shutdown as a whole. */
  readonly endedBy: ShutdownEnd;
  /**
   * Reports whether all was as it should be: `drained`, ended by the `host`, every hook fulfilled, and nothing failed.
   */
  readonly clean: boolean;
  /** Calendar time of the signal, ISO 8601. */
  readonly startedAt: string;
  /** The platform's time from the signal to SIGKILL, ms, and who says so: the option, or what was recognised. */
  readonly gracePeriod: { readonly ms: number; readonly source: string };
  /** From the signal to this report, ms. */
  readonly totalMs: number;
  /** How long each phase took, ms, in their order. */
  readonly phases: readonly { readonly phase: ShutdownPhase; readonly ms: number }[];
  /** Counts of leases. */
  readonly inFlight: {
    /** Leases held when the shutdown began. */
    readonly atSignal: number;
    /** Leases released from then until the drain was over, those taken in the lame duck included. */
    readonly finished: number;
  };
  /**
   * Late requests that were answered with the configured status (503), or, those of an `EventSource`, with an empty
   * stream.
   */
  readonly refused: number;
  /** Runs of `@TrackInFlight()` methods that a scheduler would have begun while draining, and that were not begun. */
  readonly skipped: number;
  /**
   * Requests on connections opened after readiness had failed, and when the first and the last of them came, ms after
   * that. Health routes do not count.
   */
  readonly afterUnready: { readonly count: number; readonly firstMs?: number; readonly lastMs?: number };
  /** What was cut, what had not ended at the drain deadline, and what has failed. */
  readonly leftovers: readonly Leftover[];
  /** What became of each hook, in the order in which they settled. */
  readonly hooks: readonly HookReport[];
  /** What to change, in words. Empty when there is nothing to say. */
  readonly advice: readonly string[];
}
