import { type ShutdownPhase } from './phase.js';
import { type HookReport } from './report.js';

/**
 * The phases that a hook can run in. Those of `lame-duck` and `draining` run beside what the phase does, which waits
 * for them; those of `releasing` run when the work in flight has ended, before Nest destroys its providers.
 *
 * @publicApi
 */
export type HookPhase = 'lame-duck' | 'draining' | 'releasing';

/**
 * What a hook is given.
 *
 * @publicApi
 */
export interface ShutdownContext {
  /** The phase it runs in. */
  readonly phase: ShutdownPhase;
  /** Why the application shuts down: `signal SIGTERM`, `app.close()`, or what was given to `shutdown(reason)`. */
  readonly reason: string;
  /** The signal that began the shutdown, if one did. */
  readonly signal?: string;
  /** Aborts when the hook's time is up: nobody waits for it any longer. */
  readonly deadline: AbortSignal;
  /** Time left until `deadline`, ms; never negative. */
  remainingMs(): number;
}

/** What the sequence needs of the part that keeps the hooks. */
export interface PhaseHooks {
  /**
   * The longest the hooks of `phase` can take together, ms: groups of equal order run side by side, the groups one
   * after the other.
   */
  longestMs(phase: HookPhase): number;
  /**
   * Runs the hooks of `phase`. Never rejects: what goes wrong with one is in its report, and never stops the next.
   * Where `about.latestEndAt` leaves too little for all, each group gets the same part of its time.
   */
  run(phase: HookPhase, about: HookOccasion): Promise<void>;
}

/** Why, and until when, the hooks of a phase run. */
export interface HookOccasion {
  readonly reason: string;
  readonly signal?: string;
  /** The instant past which none is waited for. */
  readonly latestEndAt: number;
  /** Aborts when the shutdown is forced. */
  readonly interrupted: AbortSignal;
  /** A hook has settled, or is not waited for any longer. */
  settled(report: HookReport): void;
}
