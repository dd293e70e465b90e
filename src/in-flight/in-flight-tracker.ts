import { type Clock } from '../sequence/clock.js';
import { type Leftover } from '../sequence/drainable.js';
import { DrainError } from '../sequence/errors.js';
import { type Held, type Lease } from './lease.js';
import { LinkedSet } from './linked-set.js';

/**
 * Holds the leases of all work in flight. Nothing is polled: the release of the last lease wakes whoever waits for
 * idle.
 *
 * @internal
 */
export class InFlightTracker {
  private readonly held = new LinkedSet<Held>();
  private waiting: (() => void)[] = [];
  private sealed = false;
  private releases = 0;

  constructor(private readonly clock: Clock) {}

  /** How many leases are held. */
  get size(): number {
    return this.held.size;
  }

  /** How many leases have been released so far. */
  get finished(): number {
    return this.releases;
  }

  /** Reports whether `take` raises: the drain is over, and nobody would wait. */
  get isSealed(): boolean {
    return this.sealed;
  }

  /**
   * Takes a lease.
   *
   * @throws DrainError `DRAIN_TOO_LATE` once the drain is over, because nobody would wait for the work
   */
  take(kind: string, name: string): Lease {
    if (this.sealed) {
      throw new DrainError(
        'DRAIN_TOO_LATE',
        `Expected '${name}' to begin before the drain was over, got it afterwards: ` +
          'resources are being released and nobody waits for it. ' +
          'Begin it from work that is itself in flight, or look at GracefulShutdown.phase first.',
      );
    }
    const { clock } = this;
    const startedAt = clock.now();
    const lease: Lease & Held = {
      kind,
      name,
      startedAt,
      get ageMs() {
        return clock.now() - startedAt;
      },
      release: () => this.remove(lease),
    };
    this.add(lease);
    return lease;
  }

  /**
   * Holds `work` until `remove` is called. Servers use this for each request. It never throws, because they have
   * decided themselves whether the request is late.
   */
  add(work: Held): void {
    this.held.add(work);
  }

  /** Says that the work has ended. Only the first call counts. */
  remove(work: Held): void {
    if (!this.held.delete(work)) return;
    this.releases++;
    this.wakeIfIdle();
  }

  /** Lets go of a request that has turned out to be a health check: it does not count, and nobody waits for it. */
  forget(work: Held): void {
    if (this.held.delete(work)) this.wakeIfIdle();
  }

  /** Resolves in the turn in which the last lease is released, or at once when none is held. */
  idle(): Promise<void> {
    if (this.held.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Makes `take` throw from now on. */
  seal(): void {
    this.sealed = true;
  }

  /** Returns what is held, oldest first. */
  leftovers(): Leftover[] {
    const now = this.clock.now();
    return Array.from(this.held, ({ kind, name, startedAt }) => ({
      kind,
      name,
      ageMs: Math.round(now - startedAt),
    }));
  }

  private wakeIfIdle(): void {
    if (this.held.size === 0 && this.waiting.length > 0) {
      const waiting = this.waiting;
      this.waiting = [];
      for (const resolve of waiting) resolve();
    }
  }
}
