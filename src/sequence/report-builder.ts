import { activeResources } from './active-resources.js';
import { type Clock } from './clock.js';
import { type Leftover } from './drainable.js';
import { type ShutdownPhase } from './phase.js';
import { type HookReport, type ShutdownOutcome, type ShutdownReport } from './report.js';
import { type Traffic } from './traffic.js';

interface Observed {
  readonly clock: Clock;
  readonly traffic: Traffic;
  readonly inFlight: { readonly size: number; readonly finished: number };
}

/** Gathers what happens during one shutdown and turns it into the report. */
export class ReportBuilder {
  forced = false;
  timedOut = false;
  refused = 0;

  private reason = '';
  private startedAtDate = new Date(0);
  private startedAt = 0;
  private phaseStartedAt = 0;
  private phase: ShutdownPhase = 'running';
  private readonly phases: { phase: ShutdownPhase; ms: number }[] = [];
  private readonly hooks: HookReport[] = [];
  private cutOff: Leftover[] = [];
  private pastDeadline: readonly Leftover[] = [];
  private failures: Leftover[] = [];
  private hardStopIn?: ShutdownPhase;
  private atSignal = 0;
  private finishedBefore = 0;
  private finished = 0;

  constructor(private readonly observed: Observed) {}

  get elapsedMs(): number {
    return Math.round(this.observed.clock.now() - this.startedAt);
  }

  get outcome(): ShutdownOutcome {
    if (this.forced) return 'forced';
    return this.timedOut ? 'timed-out' : 'drained';
  }

  begin(reason: string): void {
    const { clock, inFlight } = this.observed;
    this.reason = reason;
    this.startedAtDate = clock.date();
    this.startedAt = this.phaseStartedAt = clock.now();
    this.atSignal = inFlight.size;
    this.finishedBefore = inFlight.finished;
  }

  entered(phase: ShutdownPhase): void {
    const now = this.observed.clock.now();
    if (this.phase !== 'running') this.phases.push({ phase: this.phase, ms: Math.round(now - this.phaseStartedAt) });
    this.phase = phase;
    this.phaseStartedAt = now;
  }

  drainEnded(): void {
    this.finished = this.observed.inFlight.finished - this.finishedBefore;
  }

  hookSettled(hook: HookReport): void {
    this.hooks.push(hook);
  }

  /** What was still in flight when the drain deadline passed; some of it may yet end by itself. */
  leftBehind(leftovers: readonly Leftover[]): void {
    this.pastDeadline = leftovers;
  }

  cut(leftovers: readonly Leftover[]): void {
    this.cutOff.push(...leftovers);
  }

  failed(name: string, error: string): void {
    this.failures.push({ kind: 'drainable', name, ageMs: this.elapsedMs, detail: `failed to drain: ${error}` });
  }

  hardStopped(phase: ShutdownPhase): void {
    this.hardStopIn = phase;
    if (phase === 'lame-duck' || phase === 'draining') this.timedOut = true;
    for (const [name, count] of activeResources()) {
      this.failures.push({
        kind: 'resource',
        name,
        ageMs: this.elapsedMs,
        detail: `${count} keep the event loop alive`,
      });
    }
  }

  build(): ShutdownReport {
    const { outcome } = this;
    const hooksFulfilled = this.hooks.every((hook) => hook.outcome === 'fulfilled');
    return {
      reason: this.reason,
      outcome,
      clean: outcome === 'drained' && hooksFulfilled && this.failures.length === 0 && !this.hardStopIn,
      startedAt: this.startedAtDate.toISOString(),
      totalMs: this.elapsedMs,
      phases: this.phases,
      inFlight: { atSignal: this.atSignal, finished: this.finished },
      refused: this.refused,
      afterUnready: this.observed.traffic.afterUnready,
      leftovers: [...this.leftovers(), ...this.failures],
      hooks: this.hooks,
      advice: this.advice(),
    };
  }

  private leftovers(): readonly Leftover[] {
    if (this.cutOff.length > 0 || !this.timedOut) return this.cutOff;
    return this.pastDeadline.map((each) => ({ ...each, detail: 'ended once its abort signal had fired' }));
  }

  private advice(): string[] {
    return [...this.adviceOnTraffic(), ...this.adviceOnDrain(), ...this.adviceOnHooks(), ...this.adviceOnHardStop()];
  }

  private *adviceOnTraffic(): Iterable<string> {
    const { lastMs } = this.observed.traffic.afterUnready;
    const lameDuckMs = this.msOf('lame-duck');
    if (lastMs !== undefined && lastMs > lameDuckMs) {
      yield (
        `Requests still arrived ${seconds(lastMs)} after readiness failed, on new connections: the balancer may not watch it, ` +
        (lameDuckMs > 0
          ? `or lameDuck.maxMs is too short (the lame duck took ${seconds(lameDuckMs)}).`
          : 'and lame duck is off.')
      );
    } else if (this.refused > 0) {
      yield (
        `${this.refused} late request(s) were refused: traffic had not left when draining began, ${seconds(lameDuckMs)} after readiness failed. ` +
        'Let the balancer watch readiness, or lengthen lameDuck.minMs.'
      );
    }
  }

  private *adviceOnDrain(): Iterable<string> {
    if (!this.timedOut) return;
    const names = [...new Set(this.leftovers().map((each) => `${each.kind} ${each.name}`))].slice(0, 3);
    if (names.length > 0) {
      yield (
        `The drain deadline passed after ${seconds(this.msOf('draining'))} with work left (${names.join(', ')}): ` +
        'raise drainTimeoutMs, or end that work when GracefulShutdown.abortSignal fires.'
      );
    }
  }

  private *adviceOnHooks(): Iterable<string> {
    for (const hook of this.hooks) {
      if (hook.outcome === 'timed-out' && !this.forced) {
        yield `The hook ${hook.name} did not settle within ${seconds(hook.ms)}: raise its timeoutMs, or let it stop when its deadline aborts.`;
      }
    }
  }

  private *adviceOnHardStop(): Iterable<string> {
    if (this.hardStopIn === 'releasing') {
      yield "Nest's own destroy hooks, or those of a provider, did not end before the hard stop: look at the resources left over.";
    } else if (this.hardStopIn) {
      yield `The hard stop came during '${this.hardStopIn}': gracePeriodMs is too short for lameDuck, drainTimeoutMs and the hooks together.`;
    }
  }

  private msOf(phase: ShutdownPhase): number {
    return this.phases.find((each) => each.phase === phase)?.ms ?? 0;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
