import { type Clock, settledWithin } from './clock.js';
import { type Drainable, type Leftover } from './drainable.js';
import { messageOf } from './errors.js';

/** A drainable that hangs while it is being cut is not waited for longer than this, ms. */
const forceCloseMs = 500;

/** What has become of a drainable: the last step that it has begun, or how that step ended. */
export type DrainStage = 'registered' | 'announced' | 'draining' | 'drained' | 'failed' | 'cut' | 'closed';

/** What the drains need around them. */
export interface DrainsParts {
  readonly clock: Clock;
  /** Aborts when nobody waits any longer. */
  readonly interrupted: AbortSignal;
  /** What is in flight at present, whoever holds it. */
  leases(): readonly Leftover[];
  /** Whoever keeps the account of the shutdown. */
  readonly account: {
    /** Something has been cut. */
    cut(leftovers: readonly Leftover[]): void;
    /** A drainable has failed in one of its steps. */
    drainableFailed(name: string, error: string): void;
  };
}

interface Drain {
  readonly name: string;
  stage: DrainStage;
  /** Settles when `drain()` has ended, and never rejects; missing before it has begun. */
  ended?: Promise<void>;
}

/**
 * The drainables of one shutdown, and what has become of each.
 *
 * Each step is taken with all of them side by side. One that is added late takes at once the steps that the others have
 * begun. One that throws has failed and is named, and it takes the further steps like the others. Nothing here rejects
 * or throws.
 */
export class Drains {
  private readonly drains = new Map<Drainable, Drain>();
  private announcedBy?: number;
  private deadline?: AbortSignal;
  private cutting?: Promise<void>;

  constructor(private readonly parts: DrainsParts) {}

  /** Adds a drainable, unless it is there. */
  add(drainable: Drainable): void {
    if (this.drains.has(drainable)) return;
    const drain: Drain = { name: drainable.name, stage: 'registered' };
    this.drains.set(drainable, drain);
    this.announceOne(drainable, drain);
    this.drainOne(drainable, drain);
  }

  /** What has become of a drainable; undefined when it was never added. */
  stageOf(drainable: Drainable): DrainStage | undefined {
    return this.drains.get(drainable)?.stage;
  }

  /** Reports whether a drain has begun and neither ended nor been cut. */
  get areBusy(): boolean {
    for (const { stage } of this.drains.values()) if (stage === 'draining') return true;
    return false;
  }

  /** Reports whether anything is to be drained. */
  get areThere(): boolean {
    return this.drains.size > 0;
  }

  /** Reports whether some drainable has clients to be told to leave. */
  get canAnnounce(): boolean {
    for (const drainable of this.drains.keys()) if (drainable.announce) return true;
    return false;
  }

  /**
   * Tells all clients to leave.
   *
   * @param by the instant by which all have been told: the telling is spread over the time until then
   */
  announce(by: number): void {
    this.announcedBy = by;
    for (const [drainable, drain] of this.drains) this.announceOne(drainable, drain);
  }

  /** Begins to drain. `ended()` tells when it is over. */
  drain(deadline: AbortSignal): void {
    this.deadline = deadline;
    for (const [drainable, drain] of this.drains) this.drainOne(drainable, drain);
  }

  /** Resolves when every drain that has begun has ended, those included that begin meanwhile. */
  async ended(): Promise<void> {
    for (const { ended } of this.drains.values()) await ended;
  }

  /**
   * Cuts, once, whatever is left. Resolves when all have been cut, and no later than half a second after it was called
   * first.
   */
  cut(): Promise<void> {
    return (this.cutting ??= this.cutAll());
  }

  /**
   * Closes what was kept open only to refuse.
   *
   * @param deadline is aborted when the time is up; what has not closed by then is cut
   */
  async close(deadline: AbortController, withinMs: number): Promise<void> {
    const { clock, interrupted } = this.parts;
    const closing = Array.from(this.drains, ([drainable, drain]) =>
      this.attempt(drain, async () => {
        await drainable.close?.(deadline.signal);
        drain.stage = 'closed';
      }),
    );
    if (await settledWithin(clock, Promise.all(closing), withinMs, interrupted)) return;
    deadline.abort();
    await this.cut();
  }

  private announceOne(drainable: Drainable, drain: Drain): void {
    if (this.announcedBy === undefined || drain.stage !== 'registered') return;
    const spreadMs = Math.max(0, this.announcedBy - this.parts.clock.now());
    drain.stage = 'announced';
    void this.attempt(drain, () => drainable.announce?.(spreadMs));
  }

  private drainOne(drainable: Drainable, drain: Drain): void {
    const { deadline } = this;
    if (!deadline || drain.ended) return;
    drain.stage = 'draining';
    drain.ended = this.attempt(drain, async () => {
      this.parts.account.cut(named(await drainable.drain(deadline)));
      if (drain.stage === 'draining') drain.stage = 'drained';
    });
  }

  private async cutAll(): Promise<void> {
    const leases = this.parts.leases();
    this.parts.account.cut(leases);
    const cutting = Array.from(this.drains, (each) => this.cutOne(...each, leases.length > 0));
    await Promise.all(cutting);
  }

  /** @param isNamed whether leases name what the drainable waits for */
  private async cutOne(drainable: Drainable, drain: Drain, isNamed: boolean): Promise<void> {
    const { clock, interrupted } = this.parts;
    const cutting = this.attempt(drain, async () => {
      const leftovers = named(await drainable.forceClose());
      this.parts.account.cut(leftovers);
      const hasHung = drain.stage === 'draining' && !interrupted.aborted;
      drain.stage = 'cut';
      // Without a name of anything that it waited for, a drainable that hangs would be missing from the report.
      if (hasHung && !isNamed && leftovers.length === 0) {
        this.failed(drain, 'drain() was still pending when it was cut, and forceClose() named nothing');
      }
    });
    if (await settledWithin(clock, cutting, forceCloseMs)) return;
    this.failed(drain, `forceClose() did not settle within ${forceCloseMs} ms`);
  }

  private async attempt(drain: Drain, step: () => unknown): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.failed(drain, messageOf(error));
    }
  }

  private failed(drain: Drain, error: string): void {
    drain.stage = 'failed';
    this.parts.account.drainableFailed(drain.name, error);
  }
}

/** What a drainable says was cut. One of the user's may resolve to anything. */
function named(result: unknown): readonly Leftover[] {
  return Array.isArray(result) ? (result as readonly Leftover[]) : [];
}
