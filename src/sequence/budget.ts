import { type Clock } from './clock.js';
import { type HookPhase } from './hooks.js';
import { type LameDuckWindow } from './lame-duck.js';

/** Node's timers hold no more, ms: a longer one fires at once. */
export const timerMaxMs = 2 ** 31 - 1;

/** The process ends itself, with a report, this long before the platform would kill it, ms. */
export const marginMs = 1_000;
/** Of a grace period that is assumed the margin takes no more than this part. */
const marginPart = 0.2;

/** How long the platform waits from the signal to SIGKILL. */
export interface GracePeriod {
  /** From the signal to SIGKILL, ms. */
  readonly ms: number;
  /** Who says so, in words. */
  readonly source: string;
  /** Nobody has given the number: it is what the platform is known to grant, and the parts are scaled to fit it. */
  readonly isAssumed: boolean;
  /** The instant of the signal that the platform has sent, and counts from; missing without one. */
  readonly since?: number;
}

/** The longest parts of a shutdown that share what the margin leaves of the grace period, ms. */
export interface SharedParts {
  readonly lameDuckMs: number;
  readonly drainMs: number;
  readonly hooksMs: number;
}

/**
 * What each part gets of a grace period that is assumed, and too short for all of them: the same part of what it was
 * to have. Only the least of a lame duck counts here, for the rest of it waits for nothing but quiet.
 *
 * @param leftMs what the margin leaves
 */
export function scaled(parts: SharedParts, leftMs: number): SharedParts {
  const sumMs = parts.lameDuckMs + parts.drainMs + parts.hooksMs;
  if (sumMs <= leftMs) return parts;
  const share = (ms: number) => Math.floor((ms * leftMs) / sumMs);
  return {
    lameDuckMs: share(parts.lameDuckMs),
    drainMs: share(parts.drainMs),
    hooksMs: share(parts.hooksMs),
  };
}

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
export function hardStopAfterMs({ ms, isAssumed }: Pick<GracePeriod, 'ms' | 'isAssumed'>): number {
  return ms - (isAssumed ? Math.min(marginMs, Math.ceil(ms * marginPart)) : marginMs);
}

/** How long after its signal a process may still work, ms: a fifth of what the hard stop has left for its end remains. */
export function lastWorkAfterMs(gracePeriod: Pick<GracePeriod, 'ms' | 'isAssumed'>): number {
  return gracePeriod.ms - (gracePeriod.ms - hardStopAfterMs(gracePeriod)) / 5;
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
  /** The latest instant at which hooks may hold the lame duck; Infinity before it has begun. */
  lameDuckEndsAt = Infinity;
  /** The drain deadline; Infinity before draining has begun. */
  drainEndsAt = Infinity;
  /** What the hooks of `releasing` are kept of a grace period that is too short for all, ms. */
  private scaledHooksMs = Infinity;
  private isAssumed = false;

  /**
   * @param options what the options grant; the grace period may change until the shutdown begins
   * @param longestMs tells the most that the hooks of a phase take together, ms; hooks may be added until the last
   * moment
   */
  constructor(
    private readonly clock: Clock,
    private readonly options: { readonly drainTimeoutMs: number; readonly gracePeriod: () => GracePeriod },
    private readonly longestMs: (phase: HookPhase) => number,
  ) {}

  /**
   * The shutdown begins now, and the grace period has begun with the signal. One that is over has killed nobody: then
   * it begins now. Returns the instant of the hard stop.
   */
  begin(): number {
    const gracePeriod = this.options.gracePeriod();
    const { ms, since = -Infinity, isAssumed } = gracePeriod;
    const now = this.clock.now();
    this.isAssumed = isAssumed;
    return (this.hardStopAt = (now - since > ms ? now : since) + hardStopAfterMs(gracePeriod));
  }

  /** The drain begins now. */
  beginDrain(): void {
    this.drainEndsAt = Math.min(this.clock.now() + this.options.drainTimeoutMs, this.hooksBeginAt);
  }

  /** The latest instant at which the hooks of `releasing` can begin and still have all their time. */
  get hooksBeginAt(): number {
    return this.hardStopAt - Math.min(this.longestMs('releasing'), this.scaledHooksMs);
  }

  /** Time left until the drain deadline, or until the hard stop before draining has begun, ms; never negative. */
  get remainingMs(): number {
    return Math.max(0, Math.min(this.drainEndsAt, this.hardStopAt) - this.clock.now());
  }

  /**
   * Cuts a lame duck that begins now to what the drain and the hooks leave. What it has to have takes time from the
   * drain, and never from the hooks, where the grace period is given. Where it is assumed, all three are scaled. Hooks
   * that hold the lame duck longer leave the drain its part in any case.
   */
  fit(given: LameDuckWindow): LameDuckWindow {
    const { drainTimeoutMs: drainMs } = this.options;
    const leastMs = this.isAssumed ? this.scale(given) : given.minMs;
    const leftMs = Math.max(0, this.hooksBeginAt - this.clock.now());
    const maxMs = Math.min(given.maxMs, leftMs, Math.max(leastMs, leftMs - drainMs));
    const held = scaled({ lameDuckMs: this.longestMs('lame-duck'), drainMs, hooksMs: 0 }, leftMs);
    this.lameDuckEndsAt = this.clock.now() + Math.max(maxMs, leftMs - drainMs, held.lameDuckMs);
    return { ...given, minMs: Math.min(given.minMs, leastMs, maxMs), maxMs };
  }

  /** Scales the hooks. Returns what the lame duck has to have, ms. */
  private scale({ minMs, clientsGone }: LameDuckWindow): number {
    const parts = {
      lameDuckMs: Math.max(minMs, this.longestMs('lame-duck')),
      drainMs: this.options.drainTimeoutMs,
      hooksMs: this.longestMs('releasing'),
    };
    const { lameDuckMs, hooksMs } = scaled(parts, Math.max(0, this.hardStopAt - this.clock.now()));
    if (hooksMs < parts.hooksMs) this.scaledHooksMs = hooksMs;
    if (!clientsGone || lameDuckMs === parts.lameDuckMs) return lameDuckMs;
    // Work goes on while clients leave, and those that have not been told when the drain begins may be cut off.
    return Math.floor((this.hooksBeginAt - this.clock.now()) / 2);
  }
}
