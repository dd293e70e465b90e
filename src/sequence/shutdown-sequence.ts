import { Deadlines } from './budget.js';
import { type Clock, type ClockTimer, settledWithin } from './clock.js';
import { type Drainable, type Leftover } from './drainable.js';
import { messageOf } from './errors.js';
import { type ShutdownEvents } from './events.js';
import { type HookPhase, type PhaseHooks } from './hooks.js';
import { type LameDuckWindow, trafficHasLeft } from './lame-duck.js';
import { advance, hasReached, type ShutdownPhase } from './phase.js';
import { type Probes } from './probes.js';
import { type ShutdownOutcome, type ShutdownReport } from './report.js';
import { ReportBuilder } from './report-builder.js';
import { type Traffic } from './traffic.js';

/** Why a shutdown begins, and who brings it to its end. */
export interface ShutdownTrigger {
  readonly reason: string;
  /** Set when a signal began it. */
  readonly signal?: string;
  /** Reports whether the host (Nest) is closing, and will call `hostClosed()`. */
  readonly isHostClosing: boolean;
}

/** The budget. All in ms. */
export interface SequenceOptions {
  readonly drainTimeoutMs: number;
  readonly gracePeriodMs: number;
  /** The window this trigger goes through; `noLameDuck` for none. */
  lameDuckFor(trigger: ShutdownTrigger): LameDuckWindow;
}

/** The work the sequence waits for; the tracker of leases is one. */
export interface InFlightWork {
  readonly size: number;
  readonly finished: number;
  /** Reports whether the drain is over: new work is no longer taken. */
  readonly isSealed: boolean;
  idle(): Promise<void>;
  seal(): void;
  leftovers(): readonly Leftover[];
}

export interface SequenceParts {
  readonly clock: Clock;
  readonly events: ShutdownEvents;
  readonly hooks: PhaseHooks;
  readonly inFlight: InFlightWork;
  readonly traffic: Traffic;
  readonly probes: Probes;
}

/** What aborted work gets to end by itself before its sockets are destroyed, ms. */
const stragglerMs = 100;
/** A drainable that hangs while it is being cut is not waited for longer than this, ms. */
const forceCloseMs = 500;

/**
 * Runs a shutdown once, from whichever trigger comes first; all others join it. Nothing here rejects or throws.
 *
 * @internal
 */
export class ShutdownSequence {
  /** Settles when the drain is over. */
  readonly drained: Promise<ShutdownOutcome>;
  /** Settles when resources have been released and the host may destroy its own. */
  readonly released: Promise<void>;
  /** Settles with the report, when the host has closed, or when it was not waited for any longer. */
  readonly closed: Promise<ShutdownReport>;

  private current: ShutdownPhase = 'running';
  private readonly drainables = new Set<Drainable>();
  /** The drains that have begun. */
  private readonly drains = new Map<Drainable, Promise<void>>();
  /** Drainables whose drain has begun and not ended. */
  private readonly unfinished = new Set<Drainable>();
  private drainDeadline?: AbortSignal;
  private readonly drainingController = new AbortController();
  private readonly abortController = new AbortController();
  /** A second signal or the hard stop: whatever is being waited for, stop waiting. */
  private readonly interruption = new AbortController();
  private readonly hostEnd = new AbortController();
  private readonly report: ReportBuilder;
  private readonly deadlines: Deadlines;
  private hardStop?: ClockTimer;
  /** Clients may be told to leave until then: the least the lame duck lasts. */
  private announcedBy = -Infinity;
  private trigger?: ShutdownTrigger;
  private begun?: Promise<void>;
  private cutting?: Promise<void>;

  private settleDrained!: (outcome: ShutdownOutcome) => void;
  private settleReleased!: () => void;
  private settleClosed!: (report: ShutdownReport) => void;

  constructor(
    private readonly options: SequenceOptions,
    private readonly parts: SequenceParts,
  ) {
    this.drained = new Promise((resolve) => (this.settleDrained = resolve));
    this.released = new Promise((resolve) => (this.settleReleased = resolve));
    this.closed = new Promise((resolve) => (this.settleClosed = resolve));
    this.report = new ReportBuilder(parts);
    this.deadlines = new Deadlines(parts.clock, options, () => parts.hooks.longestMs('releasing'));
  }

  get phase(): ShutdownPhase {
    return this.current;
  }

  /** Aborts when new work is refused. */
  get drainingSignal(): AbortSignal {
    return this.drainingController.signal;
  }

  /** Aborts when work in flight is about to be cut. */
  get abortSignal(): AbortSignal {
    return this.abortController.signal;
  }

  /** Time left until the drain deadline, or until the hard stop before draining began, ms; Infinity while running. */
  remainingMs(): number {
    return this.deadlines.remainingMs;
  }

  /** Adds something that holds work. Reports whether it is in time: once the drain is over nobody waits. */
  add(drainable: Drainable): boolean {
    if (this.parts.inFlight.isSealed) return false;
    if (this.drainables.has(drainable)) return true;
    this.drainables.add(drainable);
    if (hasReached(this.current, 'lame-duck')) this.announce(drainable);
    if (this.drainDeadline) this.beginDrain(drainable, this.drainDeadline);
    return true;
  }

  /**
   * Begins the shutdown, or joins the one that has begun.
   *
   * @returns the promise that settles when the host may destroy its own resources; it never rejects
   */
  begin(trigger: ShutdownTrigger): Promise<void> {
    if (!this.begun) {
      this.begun = this.released;
      this.trigger = trigger;
      this.armHardStop();
      this.report.begin(trigger.reason);
      void this.run().then((report) => this.settleClosed(report));
    } else if (trigger.isHostClosing && !this.trigger?.isHostClosing) {
      this.trigger = { ...this.trigger, ...trigger, reason: this.trigger?.reason ?? trigger.reason };
      if (hasReached(this.current, 'releasing')) this.armHardStop();
    }
    return this.begun;
  }

  /** A late request has been answered with a refusal. */
  lateRequestRefused(): void {
    this.report.refused++;
  }

  /** The host has destroyed everything: the report can be written. */
  hostClosed(): void {
    this.hostEnd.abort();
  }

  /** Stops waiting: cuts what is left and closes. `by` says who asked. */
  force(by: string): void {
    if (this.interruption.signal.aborted || !this.begun || this.current === 'closed') return;
    this.report.forced = true;
    this.interrupt(by);
  }

  private async run(): Promise<ShutdownReport> {
    await this.lameDuck();
    await this.drain();
    await this.release();
    return this.close();
  }

  private async lameDuck(): Promise<void> {
    // One that a listener of the transition registers is told as it is added.
    const registered = [...this.drainables];
    const window = this.deadlines.fit(this.options.lameDuckFor(this.trigger!));
    const { clock, traffic } = this.parts;
    this.announcedBy = clock.now() + window.minMs;
    this.enter('lame-duck');
    traffic.becomeUnready();
    for (const drainable of registered) this.announce(drainable);

    const leaving = trafficHasLeft(window, this.parts, this.interruption.signal);
    await Promise.all([leaving, this.runHooks('lame-duck', this.deadlines.hooksBeginAt)]);
  }

  private async drain(): Promise<void> {
    this.enter('draining');
    const { clock, events, inFlight } = this.parts;
    this.deadlines.beginDrain();
    const deadline = new AbortController();
    const interrupted = this.interruption.signal;

    this.drainingController.abort();
    const idle = this.workEnds(deadline.signal);

    if (!(await settledWithin(clock, idle, this.deadlines.drainEndsAt - clock.now(), interrupted))) {
      this.report.leftBehind(inFlight.leftovers());
      events.emit({ type: 'deadline', inFlight: inFlight.size });
      deadline.abort();
      this.abortController.abort();
      await settledWithin(clock, idle, stragglerMs, interrupted);
      if (!this.report.forced) this.report.timedOut = true;
      await this.cutWhatIsLeft();
    }
    inFlight.seal();
    this.report.drainEnded();
    this.settleDrained(this.report.outcome);
    await this.closeDrainables(deadline);
  }

  private async release(): Promise<void> {
    this.enter('releasing');
    await this.runHooks('releasing', this.deadlines.hardStopAt);
    this.settleReleased();
    if (!this.trigger?.isHostClosing) this.hardStop?.cancel();
    // Without a signal nothing is ended at the hard stop: a host that gave up closing must not be held by it.
    else if (!this.trigger.signal) this.hardStop?.unref?.();
    await whenEither(this.hostEnd.signal, this.interruption.signal);
  }

  private close(): ShutdownReport {
    this.hardStop?.cancel();
    this.enter('closed');
    const report = this.report.build();
    this.parts.events.emit({ type: 'report', report });
    return report;
  }

  /**
   * Refuses new work, runs the hooks beside, and resolves, with the tracker sealed, when no work is left: what the hooks have begun or registered
   * included.
   */
  private async workEnds(deadline: AbortSignal): Promise<void> {
    const { inFlight } = this.parts;
    this.drainDeadline = deadline;
    for (const drainable of this.drainables) this.beginDrain(drainable, deadline);
    const hooks = this.runHooks('draining', this.deadlines.drainEndsAt);
    let waitedFor: number;
    do {
      waitedFor = this.drains.size;
      await Promise.all(this.drains.values());
      await hooks;
      await inFlight.idle();
    } while (this.drains.size > waitedFor || inFlight.size > 0);
    // Sealed in the turn in which it is idle: nobody would wait for what begins in the next.
    inFlight.seal();
  }

  private announce(drainable: Drainable): void {
    const spreadMs = Math.max(0, this.announcedBy - this.parts.clock.now());
    void this.attempt(drainable, () => drainable.announce?.(spreadMs));
  }

  private beginDrain(drainable: Drainable, deadline: AbortSignal): void {
    if (!this.drains.has(drainable)) this.drains.set(drainable, this.drainOne(drainable, deadline));
  }

  private async drainOne(drainable: Drainable, deadline: AbortSignal): Promise<void> {
    this.unfinished.add(drainable);
    await this.attempt(drainable, async () => {
      const cut = await drainable.drain(deadline);
      // Whatever a drainable of the user's resolves to.
      if (Array.isArray(cut)) this.report.cut(cut as readonly Leftover[]);
    });
    this.unfinished.delete(drainable);
  }

  /** Cuts, once, whatever is left. */
  private cutWhatIsLeft(): Promise<void> {
    return (this.cutting ??= this.cut());
  }

  private async cut(): Promise<void> {
    const { clock, inFlight } = this.parts;
    const hanging = new Set(this.drainables);
    const leases = inFlight.leftovers();
    const cutting = [...this.drainables].map(async (drainable) => {
      await this.attempt(drainable, async () => {
        const leftovers = await drainable.forceClose();
        this.report.cut(leftovers);
        // Leases name what a drainable waits for. With none, and nothing said, it would be missing from the report.
        const isSilent = leftovers.length === 0 && leases.length === 0;
        const hasHung = this.unfinished.has(drainable) && !this.interruption.signal.aborted;
        if (isSilent && hasHung) {
          this.failed(drainable, 'drain() was still pending when it was cut, and forceClose() named nothing');
        }
      });
      hanging.delete(drainable);
    });
    this.report.cut(leases);
    await settledWithin(clock, Promise.all(cutting), forceCloseMs);
    for (const drainable of hanging) this.failed(drainable, `forceClose() did not settle within ${forceCloseMs} ms`);
  }

  private async closeDrainables(deadline: AbortController): Promise<void> {
    const { clock } = this.parts;
    const closing = Promise.all(
      [...this.drainables].map((each) => this.attempt(each, () => each.close?.(deadline.signal))),
    );
    if (await settledWithin(clock, closing, this.deadlines.drainEndsAt - clock.now(), this.interruption.signal)) return;
    deadline.abort();
    await this.cutWhatIsLeft();
  }

  /** Runs one step of a drainable: one that throws has failed and is named, and the others go on. */
  private async attempt(drainable: Drainable, step: () => unknown): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.failed(drainable, messageOf(error));
    }
  }

  private failed({ name }: Drainable, error: string): void {
    this.report.failed(name, error);
    this.parts.events.emit({ type: 'problem', message: `${name} failed to drain: ${error}` });
  }

  private runHooks(phase: HookPhase, latestEndAt: number): Promise<void> {
    return this.parts.hooks.run(phase, {
      reason: this.trigger?.reason ?? '',
      signal: this.trigger?.signal,
      latestEndAt,
      interrupted: this.interruption.signal,
      settled: (hook) => {
        this.report.hookSettled(hook);
        this.parts.events.emit({ type: 'hook', hook });
      },
    });
  }

  private enter(phase: ShutdownPhase): void {
    const previous = this.current;
    this.current = advance(previous, phase);
    this.report.entered(phase);
    this.parts.events.emit({
      type: 'phase',
      phase,
      previous,
      reason: this.trigger?.reason ?? '',
      elapsedMs: this.report.elapsedMs,
      inFlight: this.parts.inFlight.size,
    });
  }

  private armHardStop(): void {
    this.hardStop?.cancel();
    const { clock } = this.parts;
    this.deadlines.begin();
    this.hardStop = clock.after(this.deadlines.hardStopAt - clock.now(), () => {
      this.report.hardStopped(this.current);
      this.interrupt('the hard stop');
    });
  }

  private interrupt(by: string): void {
    this.parts.events.emit({ type: 'forced', by, inFlight: this.parts.inFlight.size });
    this.interruption.abort();
  }
}

function whenEither(one: AbortSignal, other: AbortSignal): Promise<void> {
  const either = AbortSignal.any([one, other]);
  return new Promise((resolve) => {
    if (either.aborted) resolve();
    else either.addEventListener('abort', () => resolve(), { once: true });
  });
}
