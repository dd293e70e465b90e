import { timerMaxMs } from '../../src/sequence/budget.js';
import { type Clock, type ClockTimer } from '../../src/sequence/clock.js';

interface ArmedTimer {
  readonly at: number;
  readonly fire: () => void;
  holdsProcess: boolean;
}

/**
 * A clock that a test advances by hand. Timers fire in the order of their instants, equal instants in the order in
 * which they were armed, and what a timer sets off has come to rest before the next one fires.
 */
export class FakeClock implements Clock {
  /** The calendar time of instant 0. */
  static readonly epoch = Date.UTC(2026, 0, 1);

  private instant = 0;
  private readonly timers = new Set<ArmedTimer>();

  now(): number {
    return this.instant;
  }

  date(): Date {
    return new Date(FakeClock.epoch + this.instant);
  }

  /** A duration that no timer of Node can hold fires at once, as it does there. */
  after(ms: number, fire: () => void): ClockTimer {
    const delayMs = ms >= 0 && ms <= timerMaxMs ? ms : 0;
    const timer = { at: this.instant + delayMs, fire, holdsProcess: true };
    this.timers.add(timer);
    return { cancel: () => void this.timers.delete(timer), unref: () => void (timer.holdsProcess = false) };
  }

  /** The instants at which the armed timers will fire, soonest first. */
  get armedAt(): readonly number[] {
    return [...this.timers].map(({ at }) => at).sort((a, b) => a - b);
  }

  /** Reports whether an armed timer holds the process open. */
  get holdsProcess(): boolean {
    return [...this.timers].some(({ holdsProcess }) => holdsProcess);
  }

  /** Moves on by `ms`, and resolves when everything this set off has come to rest. */
  async advance(ms: number): Promise<void> {
    const end = this.instant + ms;
    await settle();
    for (let next = this.nextBy(end); next; next = this.nextBy(end)) {
      this.timers.delete(next);
      this.instant = next.at;
      next.fire();
      await settle();
    }
    this.instant = end;
    await settle();
  }

  /** Moves on to the instant `at`. */
  advanceTo(at: number): Promise<void> {
    return this.advance(at - this.instant);
  }

  /** @throws Error when a timer is armed: it would hold the process open */
  assertNoTimerLeft(): void {
    if (this.timers.size === 0) return;
    throw new Error(
      `Expected no timer to be left at ${this.instant} ms, got timers for ${this.armedAt.join(', ')} ms.`,
    );
  }

  private nextBy(end: number): ArmedTimer | undefined {
    let next: ArmedTimer | undefined;
    for (const timer of this.timers) if (timer.at <= end && (!next || timer.at < next.at)) next = timer;
    return next;
  }
}

/** Resolves when every promise that can settle without time passing has settled. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
