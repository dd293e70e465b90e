import { activeResources } from './active-resources.js';
import { adviceOn } from './advice.js';
import { type GracePeriod } from './budget.js';
import { type Clock } from './clock.js';
import { type Leftover } from './drainable.js';
import { type ShutdownEvents } from './events.js';
import { type Interrupter } from './interruption.js';
import { advance, type ShutdownPhase } from './phase.js';
import { type HookReport, type ShutdownEnd, type ShutdownOutcome, type ShutdownReport } from './report.js';

/** What the report reads from, and who is told meanwhile. */
interface Observed {
  readonly clock: Clock;
  readonly events: ShutdownEvents;
  readonly traffic: { readonly afterUnready: ShutdownReport['afterUnready'] };
  readonly inFlight: { readonly size: number; readonly finished: number };
}

/** Keeps the account of one shutdown: tells each thing as it happens, and makes the report of them all at the end. */
export class ReportBuilder {
  /** Late requests that have been answered with a refusal. */
  refused = 0;
  /** Runs of tracked methods that were not begun. */
  skipped = 0;

  private reason = '';
  private gracePeriod: ShutdownReport['gracePeriod'] = { ms: 0, source: '' };
  private startedAtDate = new Date(0);
  private startedAt = 0;
  private current: ShutdownPhase = 'running';
  private enteredAt = 0;
  private outcomeSoFar: ShutdownOutcome = 'drained';
  private endedBy: ShutdownEnd = 'host';
  private interruptedIn?: ShutdownPhase;
  private atSignal = 0;
  private finishedBefore = 0;
  private finished = 0;
  private readonly phases: { phase: ShutdownPhase; ms: number }[] = [];
  private readonly hooks: HookReport[] = [];
  private readonly cutOff: Leftover[] = [];
  private readonly failures: Leftover[] = [];
  private pastDeadline: readonly Leftover[] = [];
  private abandoned: readonly Leftover[] = [];

  constructor(private readonly observed: Observed) {}

  /** Where the shutdown stands. */
  get phase(): ShutdownPhase {
    return this.current;
  }

  /** The shutdown begins. */
  begin(reason: string, { ms, source }: GracePeriod): void {
    const { clock, inFlight } = this.observed;
    this.reason = reason;
    this.gracePeriod = { ms, source };
    this.startedAtDate = clock.date();
    this.startedAt = clock.now();
    this.atSignal = inFlight.size;
    this.finishedBefore = inFlight.finished;
  }

  /** The next phase begins. */
  enter(phase: ShutdownPhase): void {
    const { clock, events, inFlight } = this.observed;
    const previous = this.current;
    this.current = advance(previous, phase);
    const now = clock.now();
    if (previous !== 'running') this.phases.push({ phase: previous, ms: Math.round(now - this.enteredAt) });
    this.enteredAt = now;
    const { reason, elapsedMs } = this;
    events.emit({ type: 'phase', phase, previous, reason, elapsedMs, inFlight: inFlight.size });
  }

  /** The drain deadline has passed. Some of what is left may yet end by itself. */
  deadlinePassed(leftovers: readonly Leftover[]): void {
    const { events, inFlight } = this.observed;
    this.pastDeadline = leftovers;
    events.emit({ type: 'deadline', inFlight: inFlight.size });
  }

  /**
   * The drain is over: its outcome is decided.
   *
   * @param isLate whether the drain deadline came before the work had ended
   */
  drainEnded(isLate: boolean): ShutdownOutcome {
    this.finished = this.observed.inFlight.finished - this.finishedBefore;
    if (this.endedBy === 'second-signal') this.outcomeSoFar = 'forced';
    else if (this.endedBy === 'hard-stop' || isLate) this.outcomeSoFar = 'timed-out';
    return this.outcomeSoFar;
  }

  hookSettled(hook: HookReport): void {
    this.hooks.push(hook);
    this.observed.events.emit({ type: 'hook', hook });
  }

  /** Something has been cut. What is said of work that its lease has named already takes the place of that. */
  cut(leftovers: readonly Leftover[]): void {
    for (const each of leftovers) {
      const { kind, name, detail } = each;
      const isIt = (other: Leftover) => other.kind === kind && other.name === name && other.detail === undefined;
      const place = detail === undefined ? -1 : this.cutOff.findIndex(isIt);
      if (place === -1) this.cutOff.push(each);
      else this.cutOff[place] = each;
    }
  }

  /**
   * Handlers went on when their clients had gone, and were not waited for: nobody was to hear of them. Said before
   * anything is cut, since that leaves handlers without clients, too.
   */
  leftAbandoned(leftovers: readonly Leftover[]): void {
    this.abandoned = leftovers;
  }

  /** A drainable has failed in one of its steps. */
  drainableFailed(name: string, error: string): void {
    this.note('drainable', name, `failed to drain: ${error}`);
    this.observed.events.emit({ type: 'problem', message: `${name} failed to drain: ${error}` });
  }

  /** A part of the shutdown itself has failed. However often it does, it is named once for each error. */
  partFailed(name: string, error: string): void {
    const detail = `failed: ${error}`;
    if (this.failures.some((each) => each.name === name && each.detail === detail)) return;
    this.note('shutdown', name, detail);
    this.observed.events.emit({ type: 'problem', message: `The shutdown's ${name} failed: ${error}` });
  }

  /**
   * Nobody waits any longer; `who` says in words who ended it. After the hard stop, what keeps the event loop alive is
   * named.
   */
  interrupted(by: Interrupter, who: string): void {
    const { events, inFlight } = this.observed;
    this.endedBy = by;
    this.interruptedIn = this.current;
    if (by === 'hard-stop') {
      for (const [name, count] of activeResources()) {
        this.note('resource', name, `${count} keep the event loop alive`);
      }
    }
    events.emit({ type: 'forced', by: who, inFlight: inFlight.size });
  }

  /** The shutdown is over. */
  build(): ShutdownReport {
    const { outcomeSoFar: outcome, endedBy, interruptedIn, hooks, phases, refused, failures, abandoned } = this;
    const { afterUnready } = this.observed.traffic;
    const leftovers = this.leftovers();
    const isComplete = outcome === 'drained' && endedBy === 'host' && failures.length === 0;
    const report = {
      reason: this.reason,
      outcome,
      endedBy,
      clean: isComplete && hooks.every((hook) => hook.outcome === 'fulfilled'),
      startedAt: this.startedAtDate.toISOString(),
      gracePeriod: this.gracePeriod,
      totalMs: this.elapsedMs,
      phases,
      inFlight: { atSignal: this.atSignal, finished: this.finished },
      refused,
      skipped: this.skipped,
      afterUnready,
      leftovers: [...leftovers, ...abandoned, ...failures],
      hooks,
      advice: adviceOn({ outcome, endedBy, interruptedIn, phases, refused, afterUnready, leftovers, abandoned, hooks }),
    };
    this.observed.events.emit({ type: 'report', report });
    return report;
  }

  private get elapsedMs(): number {
    return Math.round(this.observed.clock.now() - this.startedAt);
  }

  private leftovers(): readonly Leftover[] {
    if (this.cutOff.length > 0 || this.outcomeSoFar !== 'timed-out') return this.cutOff;
    return this.pastDeadline.map((each) => ({ ...each, detail: 'ended once its abort signal had fired' }));
  }

  private note(kind: string, name: string, detail: string): void {
    this.failures.push({ kind, name, ageMs: this.elapsedMs, detail });
  }
}
