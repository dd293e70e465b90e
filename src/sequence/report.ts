import { type Leftover } from './drainable.js';
import { type ShutdownPhase } from './phase.js';

/**
 * How the drain ended: all work in flight finished (`drained`), the drain deadline or the hard stop came first (`timed-out`), or a second signal
 * ended it (`forced`).
 *
 * @publicApi
 */
export type ShutdownOutcome = 'drained' | 'timed-out' | 'forced';

/**
 * What became of one hook.
 *
 * @publicApi
 */
export interface HookReport {
  readonly name: string;
  readonly phase: ShutdownPhase;
  readonly ms: number;
  readonly outcome: 'fulfilled' | 'rejected' | 'timed-out';
  readonly error?: string;
}

/**
 * The account of one shutdown. Plain data: `JSON.stringify` it.
 *
 * @publicApi
 */
export interface ShutdownReport {
  /** `signal SIGTERM`, `app.close()`, or what was given to `shutdown(reason)`. */
  readonly reason: string;
  readonly outcome: ShutdownOutcome;
  /** Reports whether everything was drained and every hook fulfilled. */
  readonly clean: boolean;
  /** Calendar time of the signal, ISO 8601. */
  readonly startedAt: string;
  readonly totalMs: number;
  readonly phases: readonly { readonly phase: ShutdownPhase; readonly ms: number }[];
  readonly inFlight: {
    /** Leases held when the shutdown began. */
    readonly atSignal: number;
    /** Leases released from then until the drain was over, those taken in the lame duck included. */
    readonly finished: number;
  };
  /** Late requests that were answered with the configured status (503), or, those of an `EventSource`, with an empty stream. */
  readonly refused: number;
  /** Requests on connections opened after readiness had failed; health routes do not count. */
  readonly afterUnready: { readonly count: number; readonly firstMs?: number; readonly lastMs?: number };
  readonly leftovers: readonly Leftover[];
  readonly hooks: readonly HookReport[];
  /** What to change, in words. Empty when there is nothing to say. */
  readonly advice: readonly string[];
}
