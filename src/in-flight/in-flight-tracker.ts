import { type Clock } from '../sequence/clock.js';
import { type Leftover } from '../sequence/drainable.js';
import { DrainError } from '../sequence/errors.js';
import { type Held, type Lease } from './lease.js';
import { LinkedSet } from './linked-set.js';

/**
 * Holds the leases of all work in flight. Idle is an event: whoever waits is told by the release of the last lease.
 *
 * @internal
 */
export class InFlightTracker {
  private readonly held = new LinkedSet<Held>();
  private waiting: (() => void)[] = [];
  private sealed = false;
  private releases = 0;

  constructor(private readonly clock: Clock) {}

  /** Leases that are held. */
  get size(): number {
    return this.held.size;
  }

  /** Leases that have been released so far. */
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
   * @throws DrainError `DRAIN_TOO_LATE` once the drain is over: nobody would wait for the work.
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

  /** Holds `work` until `remove`. The hot path of the servers, whose gates decide for themselves what is too late. */
  add(work: Held): void {
    this.held.add(work);
  }

  /** The work has ended. Only the first call counts. */
  remove(work: Held): void {
    if (!this.held.delete(work)) return;
    this.releases++;
    this.wakeIfIdle();
  }

  /** It turns out to be no work (a health check): it neither counts nor is waited for. */
  forget(work: Held): void {
    if (this.held.delete(work)) this.wakeIfIdle();
  }

  /** Resolves in the turn in which the last lease is released; at once when none is held. */
  idle(): Promise<void> {
    if (this.held.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** From here on `take` raises. */
  seal(): void {
    this.sealed = true;
  }

  /** What is held, oldest first. */
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
