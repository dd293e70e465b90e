import { type Clock } from './clock.js';
import { type LameDuckWindow } from './lame-duck.js';

/** Node's timers hold no more, ms: a longer one fires at once. */
export const timerMaxMs = 2 ** 31 - 1;

/** The process ends itself, with a report, this long before the platform would kill it, ms. */
export const marginMs = 1_000;

/** A measured lag becomes a recommendation in steps of this size, ms. */
const lagStepMs = 500;
/** A recommendation is longer than the lag that was measured once, by this much, ms. */
const lagReserveMs = 1_000;

/**
 * The durations that a shutdown is made of, and what they add up to. All in ms.
 *
 * @publicApi
 */
export interface BudgetSum {
  /** The least the lame duck of a SIGTERM lasts; 0 without one. */
  readonly lameDuckMinMs: number;
  /** The most the lame duck of a SIGTERM lasts; 0 without one. */
  readonly lameDuckMaxMs: number;
  /** The most the drain lasts: `drainTimeoutMs`. */
  readonly drainMs: number;
  /** The most the hooks of `releasing` take together. */
  readonly hooksMs: number;
  /** How long before SIGKILL the process ends itself: 1000. */
  readonly marginMs: number;
  /** From the signal to SIGKILL: `gracePeriodMs`. */
  readonly gracePeriodMs: number;
  /** What the longest shutdown takes: `lameDuckMaxMs` + `drainMs` + `hooksMs` + `marginMs`. */
  readonly neededMs: number;
  /**
   * Reports whether `neededMs` is within `gracePeriodMs`. Where it is not, the lame duck and the drain are cut short.
   */
  readonly fits: boolean;
}

/** Adds up what the longest shutdown takes. */
export function addUp(terms: Omit<BudgetSum, 'marginMs' | 'neededMs' | 'fits'>): BudgetSum {
  const neededMs = terms.lameDuckMaxMs + terms.drainMs + terms.hooksMs + marginMs;
  return { ...terms, marginMs, neededMs, fits: neededMs <= terms.gracePeriodMs };
}

/** How long after the signal the process ends itself, ms. */
export function hardStopAfterMs(gracePeriodMs: number): number {
  return gracePeriodMs - marginMs;
}

/** The least a lame duck should last where traffic took `lagMs` to leave, ms. */
export function lameDuckMinMsFor(lagMs: number): number {
  return Math.ceil(lagMs / lagStepMs) * lagStepMs + lagReserveMs;
}

/**
 * The instants that one shutdown keeps to. It counts back from SIGKILL: the hard stop comes first, the hooks of
 * `releasing` have their time before it, the drain ends before the hooks, and the lame duck gets what the drain leaves.
 */
export class Deadlines {
  /** The instant at which the process ends itself; Infinity before the shutdown has begun. */
  hardStopAt = Infinity;
  /** The drain deadline; Infinity before draining has begun. */
  drainEndsAt = Infinity;

  /**
   * @param durations what the options grant, ms
   * @param hooksMs tells the most that the hooks of `releasing` take together, ms; hooks may be added until the last
   * moment
   */
  constructor(
    private readonly clock: Clock,
    private readonly durations: { readonly drainTimeoutMs: number; readonly gracePeriodMs: number },
    private readonly hooksMs: () => number,
  ) {}

  /** The grace period begins now. Returns the instant of the hard stop. */
  begin(): number {
    return (this.hardStopAt = this.clock.now() + hardStopAfterMs(this.durations.gracePeriodMs));
  }

  /** The drain begins now. */
  beginDrain(): void {
    this.drainEndsAt = Math.min(this.clock.now() + this.durations.drainTimeoutMs, this.hooksBeginAt);
  }

  /** The latest instant at which the hooks of `releasing` can begin and still have all their time. */
  get hooksBeginAt(): number {
    return this.hardStopAt - this.hooksMs();
  }

  /** Time left until the drain deadline, or until the hard stop before draining has begun, ms; never negative. */
  get remainingMs(): number {
    return Math.max(0, Math.min(this.drainEndsAt, this.hardStopAt) - this.clock.now());
  }

  /**
   * Cuts a lame duck that begins now to what the drain and the hooks leave. Its minimum takes time from the drain, and
   * never from the hooks.
   */
  fit(asked: LameDuckWindow): LameDuckWindow {
    const leftMs = this.hooksBeginAt - this.clock.now();
    const besideDrainMs = Math.max(asked.minMs, leftMs - this.durations.drainTimeoutMs);
    const maxMs = Math.max(0, Math.min(asked.maxMs, besideDrainMs, leftMs));
    return { ...asked, minMs: Math.min(asked.minMs, maxMs), maxMs };
  }
}
