import { type Clock } from '../sequence/clock.js';
import { type Leftover } from '../sequence/drainable.js';
import { DrainError } from '../sequence/errors.js';
import { type Abandoned, AbandonedWork } from './abandoned-work.js';
import { type Held, type Lease } from './lease.js';
import { LinkedSet } from './linked-set.js';

/** Handlers whose clients have gone are waited for this long when all else has ended, ms: they may never end. */
export const abandonedMs = 1_000;

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
  private readonly abandoned: AbandonedWork;

  /** @param lastWaitMs how long handlers whose clients have gone are waited for when all else has ended */
  constructor(
    private readonly clock: Clock,
    lastWaitMs = abandonedMs,
  ) {
    this.abandoned = new AbandonedWork(clock, lastWaitMs);
  }

  /** How many leases are held; those of abandoned handlers included for as long as somebody waits for them. */
  get size(): number {
    return this.held.size + this.abandoned.size;
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

  /**
   * The client of `work` has gone. From here on it is counted by its name, and waited for no longer than a moment when
   * all else has ended.
   *
   * @returns what `endAbandoned` is to be given; nothing where `work` was not held
   */
  abandon(work: Held): Abandoned | undefined {
    if (!this.held.delete(work)) return undefined;
    const abandoned = this.abandoned.add(work);
    this.wakeIfIdle();
    return abandoned;
  }

  /** An abandoned handler has ended after all. */
  endAbandoned(abandoned: Abandoned): void {
    this.abandoned.end(abandoned);
    this.releases++;
    if (this.abandoned.size === 0) this.wakeIfIdle();
  }

  /**
   * Resolves in the turn in which the last lease is released, or at once when none is held. Abandoned handlers that are
   * left then are waited for until a moment has passed.
   */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.wakeIfIdle();
    });
  }

  /** Makes `take` throw from now on. */
  seal(): void {
    this.sealed = true;
    this.abandoned.stopWaiting();
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

  /** Returns how many are held of each kind, abandoned handlers included as in `size`. */
  countByKind(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { kind } of this.held) counts[kind] = (counts[kind] ?? 0) + 1;
    for (const [kind, count] of this.abandoned.counts()) counts[kind] = (counts[kind] ?? 0) + count;
    return counts;
  }

  /** Returns handlers that have gone on when their clients had gone, and have not ended. */
  abandonedLeftovers(): Leftover[] {
    return this.abandoned.leftovers();
  }

  private wakeIfIdle(): void {
    if (this.held.size > 0 || this.waiting.length === 0) return;
    if (this.abandoned.size > 0) return this.abandoned.waitAMoment(this.waitedLongEnough);
    this.abandoned.stopWaiting();
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Work that has begun meanwhile has them waited for once more when it ends. */
  private readonly waitedLongEnough = (): void => {
    if (this.held.size > 0) return;
    this.abandoned.leaveBehind();
    this.wakeIfIdle();
  };
}
