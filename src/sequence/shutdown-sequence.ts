import { AfterReport } from './after-report.js';
import { Deadlines } from './budget.js';
import { settledWithin, whenAborted } from './clock.js';
import { Deferred } from './deferred.js';
import { type Drainable } from './drainable.js';
import { Drains } from './drains.js';
import { messageOf } from './errors.js';
import { type HookPhase } from './hooks.js';
import { Interruption } from './interruption.js';
import { tellingMs, trafficHasLeft } from './lame-duck.js';
import { hasReached, type ShutdownPhase } from './phase.js';
import { type HookReport, type ShutdownOutcome, type ShutdownReport } from './report.js';
import { ReportBuilder } from './report-builder.js';
import { guardParts, type SequenceOptions, type SequenceParts, type ShutdownTrigger } from './sequence-parts.js';

/** What aborted work gets to end by itself before it is cut, ms. */
const stragglerMs = 100;

/**
 * Runs a shutdown once, from whichever trigger comes first; all others join it. Nothing here rejects or throws: what
 * fails is named in the report, and the shutdown goes on.
 *
 * @internal
 */
export class ShutdownSequence {
  private readonly drainOver = new Deferred<ShutdownOutcome>();
  private readonly hostMayClose = new Deferred<void>();
  private readonly over = new Deferred<ShutdownReport>();
  private readonly draining = new AbortController();
  private readonly aborting = new AbortController();
  private readonly hostEnd = new AbortController();
  private readonly parts: SequenceParts;
  private readonly report: ReportBuilder;
  private readonly interruption: Interruption;
  private trigger?: ShutdownTrigger;

  /** The instants that it keeps to. */
  readonly deadlines: Deadlines;
  /** What is done when the report is there, and the process ends after. */
  readonly afterReport: AfterReport;
  /** What holds work, and what has become of each. */
  readonly drains: Drains;
  /** Settles when the drain is over. */
  readonly drained: Promise<ShutdownOutcome> = this.drainOver.promise;
  /** Settles when resources have been released and the host may destroy its own. */
  readonly released: Promise<void> = this.hostMayClose.promise;
  /** Settles with the report, when the host has closed, or when it is not waited for any longer. */
  readonly closed: Promise<ShutdownReport> = this.over.promise;
  /** Aborts when new work is refused. */
  readonly drainingSignal: AbortSignal = this.draining.signal;
  /** Aborts when work in flight is about to be cut. */
  readonly abortSignal: AbortSignal = this.aborting.signal;

  constructor(
    private readonly options: SequenceOptions,
    parts: SequenceParts,
  ) {
    const { clock } = parts;
    this.afterReport = new AfterReport(clock);
    this.parts = guardParts(parts, (name, error) => this.report.partFailed(name, error));
    const { inFlight, hooks } = this.parts;
    const report = (this.report = new ReportBuilder(this.parts));
    this.deadlines = new Deadlines(clock, options, (phase) => hooks.longestMs(phase));
    this.interruption = new Interruption(clock, (by, who) => report.interrupted(by, who));
    const leases = () => inFlight.leftovers();
    this.drains = new Drains({ clock, leases, account: report, interrupted: this.interruption.signal });
  }

  get phase(): ShutdownPhase {
    return this.report.phase;
  }

  /** Time left until the drain deadline (before draining: until the hard stop), ms; Infinity while running. */
  remainingMs(): number {
    return this.deadlines.remainingMs;
  }

  /** Adds something that holds work. Reports whether it is in time: once the drain is over nobody waits. */
  add(drainable: Drainable): boolean {
    const { isSealed } = this.parts.inFlight;
    if (!isSealed) this.drains.add(drainable);
    return !isSealed;
  }

  /** Begins the shutdown, or joins the one that has begun. Resolves when the host may destroy its own resources. */
  begin(trigger: ShutdownTrigger): Promise<void> {
    if (!this.trigger) {
      this.trigger = trigger;
      this.interruption.armHardStop(this.deadlines.begin());
      this.report.begin(trigger.reason, this.options.gracePeriod());
      void this.run().then(this.over.resolve).catch(this.phaseFailed);
    } else if (trigger.isHostClosing && !this.trigger.isHostClosing) {
      this.trigger = { ...this.trigger, ...trigger, reason: this.trigger.reason };
      if (hasReached(this.phase, 'releasing')) this.interruption.armHardStop(this.deadlines.begin());
    }
    return this.released;
  }

  /** A late request has been answered with a refusal, or a run of a tracked method was not begun. */
  count(what: 'refused' | 'skipped'): void {
    this.report[what]++;
  }

  /** Late requests that have been refused so far. */
  get refused(): number {
    return this.report.refused;
  }

  /** Runs of tracked methods that have not been begun so far. */
  get skipped(): number {
    return this.report.skipped;
  }

  /** The host has destroyed everything: the report can be written. */
  hostClosed(): void {
    this.hostEnd.abort();
  }

  /** Stops waiting, for a second signal: cuts what is left and closes. `by` says who asked. */
  force(by: string): void {
    if (this.trigger && this.phase !== 'closed') this.interruption.interrupt('second-signal', by);
  }

  private async run(): Promise<ShutdownReport> {
    await this.lameDuck().catch(this.phaseFailed);
    await this.drain().catch(this.phaseFailed);
    await this.release().catch(this.phaseFailed);
    return this.close();
  }

  private async lameDuck(): Promise<void> {
    this.report.enter('lame-duck');
    const { clock, traffic } = this.parts;
    const window = this.deadlines.fit(this.parts.lameDuckFor(this.trigger!));
    traffic.becomeUnready();
    this.drains.announce(clock.now() + tellingMs(window));
    await Promise.all([
      trafficHasLeft(window, this.parts, this.interruption.signal),
      this.runHooks('lame-duck', this.deadlines.lameDuckEndsAt),
    ]);
  }

  private async drain(): Promise<void> {
    const { clock, inFlight } = this.parts;
    const interrupted = this.interruption.signal;
    const deadline = new AbortController();
    let isLate = true;
    try {
      this.report.enter('draining');
      this.deadlines.beginDrain();
      this.draining.abort();
      const idle = this.workEnds(deadline.signal);
      isLate = !(await settledWithin(clock, idle, this.deadlines.drainEndsAt - clock.now(), interrupted));
      this.report.leftAbandoned(inFlight.abandonedLeftovers());
      if (isLate) {
        this.report.deadlinePassed(inFlight.leftovers());
        deadline.abort();
        this.aborting.abort();
        await settledWithin(clock, idle, stragglerMs, interrupted);
        await this.drains.cut();
      }
    } finally {
      inFlight.seal();
      this.drainOver.resolve(this.report.drainEnded(isLate));
    }
    await this.drains.close(deadline, this.deadlines.drainEndsAt - clock.now());
  }

  private async release(): Promise<void> {
    this.report.enter('releasing');
    await this.runHooks('releasing', this.deadlines.hardStopAt);
    this.hostMayClose.resolve();
    if (!this.trigger!.isHostClosing) this.interruption.cancelHardStop();
    // Without a signal nothing is ended at the hard stop: a host that gave up closing must not be held by it.
    else if (!this.trigger!.signal) this.interruption.letProcessEnd();
    await whenAborted(AbortSignal.any([this.hostEnd.signal, this.interruption.signal]));
  }

  private close(): ShutdownReport {
    this.interruption.cancelHardStop();
    this.report.enter('closed');
    const report = this.report.build();
    // Resolved already, unless the phase before went wrong.
    this.hostMayClose.resolve();
    return report;
  }

  /**
   * Drains, runs the hooks of `draining` beside, and resolves, with the tracker sealed, when no work is left: what the
   * hooks have begun or registered included.
   */
  private async workEnds(deadline: AbortSignal): Promise<void> {
    const { inFlight } = this.parts;
    this.drains.drain(deadline);
    const hooks = this.runHooks('draining', this.deadlines.drainEndsAt);
    do {
      await this.drains.ended();
      await hooks;
      await inFlight.idle();
    } while (this.drains.areBusy || inFlight.size > 0);
    // Sealed in the turn in which it is idle: nobody would wait for what begins in the next.
    inFlight.seal();
  }

  private runHooks(phase: HookPhase, latestEndAt: number): Promise<void> {
    const { reason, signal } = this.trigger!;
    const settled = (hook: HookReport) => this.report.hookSettled(hook);
    const interrupted = this.interruption.signal;
    return this.parts.hooks.run(phase, { reason, signal, latestEndAt, interrupted, settled });
  }

  /** The sequence itself has failed: its next phase begins. */
  private readonly phaseFailed = (error: unknown): void => this.report.partFailed(this.phase, messageOf(error));
}
