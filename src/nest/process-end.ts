import { constants } from 'node:os';
import { type DrainCore } from '../drain-core.js';
import { hardStopAfterMs, lastWorkAfterMs } from '../sequence/budget.js';
import { nextPoll, settledWithin } from '../sequence/clock.js';
import { Keystroke } from '../sequence/keystroke.js';
import { hasReached } from '../sequence/phase.js';
import { type ShutdownReport } from '../sequence/report.js';
import { shieldOutput } from './output-shield.js';
import { type ProcessHost } from './process-host.js';
import { writeToStderr } from './stderr.js';
import { companionOf, type SignalCompanion, type SignalReceiver } from './signal-companion.js';

/** An application that closes longer than this after a signal that asks for something else closes for itself, ms. */
const signalMs = 10_000;
/**
 * Nest sends the process its signal again when it has closed. If it still lives after this long, somebody else listens
 * for that signal, ms.
 */
const selfKillMs = 500;
/** Whoever sends one of these wants the process to end. Others may ask it to reload (SIGHUP), or to tell something. */
const endingSignals: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGBREAK'];
/** After a second signal nobody waits longer than this for what is done after the report, ms. */
const forcedWorkMs = 1_000;
/** So many pieces of work are named when the process ends in the middle of a shutdown. */
const namedWork = 10;

/** What the end of the process needs to know of its application. */
export type EndingCore = Pick<
  DrainCore,
  'clock' | 'options' | 'grace' | 'events' | 'sequence' | 'tracker' | 'phase' | 'isUnderPm2' | 'takenOut'
>;

/**
 * Where a shutdown meets the process: which signal began it, what a second one does, and how the process ends.
 *
 * - clean: as Nest ends it; exit 0 as PID 1, where Nest's closing signal has no effect, and where `process.exitCode`
 *   has been set to 0
 * - unclean (timed out, a hook failed, the hard stop): exit 1
 * - forced by a second signal: 128 + its number
 *
 * Where somebody has set `process.exitCode` to a failure, that code stands instead of the first two.
 *
 * Only a shutdown that is meant as the end ends the process: one that Nest runs for a signal, or one begun by a signal
 * that asks for the end, unless another application in the process runs on.
 */
export class ProcessEnd implements SignalReceiver {
  private signal?: NodeJS.Signals;
  private signalAt = -Infinity;
  private readonly keystroke: Keystroke;
  private forcedBy?: NodeJS.Signals;
  /** Aborts when the work after the report is not waited for any longer. */
  private readonly hurry = new AbortController();
  private hasBegun = false;
  private isNestEndingProcess = false;
  private unshieldOutput: () => void = () => undefined;
  private over?: Promise<void>;
  /**
   * What the report asks for. Settles when its subscribers have had a turn, for what they print, and what is to be done
   * after the report has been.
   */
  private readonly exitCode: Promise<number | undefined>;

  constructor(
    private readonly core: EndingCore,
    private readonly host: ProcessHost = process,
    private readonly companion: SignalCompanion = companionOf(host),
  ) {
    this.keystroke = new Keystroke(core.clock);
    this.exitCode = core.sequence.closed.then(async (report) => {
      await nextPoll();
      const problems = await core.sequence.afterReport.run(report, this.lastWorkMs(), this.hurry.signal);
      for (const problem of problems) writeToStderr(`[GracefulShutdown] After the report, ${problem}\n`);
      return this.exitCodeFor(report);
    });
  }

  /** Begins to listen, beside whoever else does. */
  start(): void {
    this.companion.join(this);
    const unsubscribe = this.core.events.subscribe(({ type }) => {
      if (type !== 'phase') return;
      unsubscribe();
      this.unshieldOutput = shieldOutput();
      this.companion.shutdownBegan(this);
    });
    void this.core.sequence.closed.then(() => this.finish());
  }

  /** Begins the shutdown of an application that is closing, or joins the one that has begun. Never rejects. */
  begin(): Promise<void> {
    const { sequence } = this.core;
    if (!this.hasBegun) {
      this.hasBegun = true;
      if (!this.isSignalInForce) this.signal = undefined;
    }
    const { signal } = this;
    return sequence.begin({ reason: signal ? `signal ${signal}` : 'app.close()', signal, isHostClosing: true });
  }

  /**
   * Nest has closed. Resolves when the report is settled and Nest may end the process; does not when it is ended here.
   *
   * @param signal what Nest closes for, and will send the process again
   */
  async hostClosed(signal?: string): Promise<void> {
    this.isNestEndingProcess = signal !== undefined;
    this.core.sequence.hostClosed();
    await this.finish();
  }

  get isRunning(): boolean {
    return this.core.phase === 'running';
  }

  /** Reports whether a signal has begun the shutdown, or has come while it ran. */
  get isBySignal(): boolean {
    return this.hasBegun && this.signal !== undefined;
  }

  /** Reports whether nobody has asked the process to end, and another application in it runs on. */
  get isAside(): boolean {
    return this.signal === undefined && this.companion.isAnotherRunning(this);
  }

  received(signal: NodeJS.Signals, isSelfSent: boolean): void {
    const { clock, options, sequence } = this.core;
    if (this.signal === undefined || !this.hasBegun) return this.remember(signal);
    const isSameKeystroke = signal === this.signal && this.keystroke.isOn;
    // PM2 may ask twice, by a message and by a signal, and kills what does not end.
    const isPm2s = signal === 'SIGINT' && this.core.isUnderPm2;
    if (isSelfSent || isSameKeystroke || isPm2s || options.secondSignal[signal] !== 'force') return;
    this.forcedBy = signal;
    sequence.force(`a second signal, ${signal}`);
    // The report is there, and the work after it has begun with more time than that.
    if (this.core.phase === 'closed') clock.after(forcedWorkMs, () => this.hurry.abort()).unref?.();
  }

  takenOut(): void {
    if (!hasReached(this.core.phase, 'draining')) this.core.takenOut();
  }

  ending(): Promise<number | undefined> | undefined {
    return this.isBySignal ? this.exitCode : undefined;
  }

  lastWords(code: number): string | undefined {
    const { phase, tracker } = this.core;
    // `shutdown()` has drained the application, and nobody is closing it.
    if (phase === 'closed' || (phase === 'releasing' && !this.hasBegun)) return undefined;
    const left = tracker.leftovers();
    const named = left.slice(0, namedWork).map(({ kind, name, ageMs }) => `${kind} ${name} (${ageMs} ms)`);
    const others = left.length > named.length ? ` and ${left.length - named.length} more` : '';
    return (
      `[GracefulShutdown] The process ends with exit code ${code} in the middle of a shutdown, in phase ${phase}. ` +
      `In flight: ${named.join(', ') || 'nothing'}${others}.`
    );
  }

  /** The platform counts from its first signal, and one that asks for something else takes nothing back. */
  private remember(signal: NodeJS.Signals): void {
    const isStronger = signal !== this.signal && isEnding(signal);
    if (this.isSignalInForce && isEnding(this.signal) && !isStronger) return;
    this.signal = signal;
    this.signalAt = this.core.clock.now();
    this.keystroke.begin();
    if (isEnding(signal)) this.core.grace.since = this.signalAt;
  }

  /** Whoever closes the application later does not close it because of the signal: it would have been killed. */
  private get isSignalInForce(): boolean {
    const { clock, grace } = this.core;
    return clock.now() - this.signalAt <= (isEnding(this.signal) ? grace.now.ms : signalMs);
  }

  /** How long the work after the report is waited for: whoever has sent a second signal does not want to wait. */
  private lastWorkMs(): number {
    const { clock, grace, options } = this.core;
    const killed = this.signal === undefined ? Infinity : this.signalAt + lastWorkAfterMs(grace.now) - clock.now();
    return Math.max(0, Math.min(options.hookTimeoutMs, killed, this.forcedBy ? forcedWorkMs : Infinity));
  }

  private finish(): Promise<void> {
    return (this.over ??= this.leaveProcess());
  }

  private async leaveProcess(): Promise<void> {
    const own = await this.exitCode;
    const others = this.signal && !this.forcedBy ? await this.othersAreOver() : [];
    this.keystroke.end();
    this.companion.leave(this);
    if (this.isMeantAsTheEnd) this.endProcess([own, ...others].find((each) => each) ?? own);
    this.unshieldOutput();
  }

  /**
   * Nest ends the process of every application in it: whoever finishes first waits for those that the same signal has
   * begun, and for the exit codes that they ask for.
   */
  private async othersAreOver(): Promise<readonly (number | undefined)[]> {
    const { clock, grace } = this.core;
    const codes: (number | undefined)[] = [];
    const waiting = this.companion.othersEnding(this).map(async (code) => codes.push(await code));
    await settledWithin(clock, Promise.all(waiting), grace.now.ms);
    return codes;
  }

  private exitCodeFor(report: ShutdownReport): number | undefined {
    if (this.forcedBy) return 128 + constants.signals[this.forcedBy];
    const failure = Number(this.host.exitCode);
    if (failure) return failure;
    if (!report.clean) return 1;
    const isZeroAsked = this.host.pid === 1 || this.host.exitCode !== undefined;
    return this.isNestEndingProcess && isZeroAsked ? 0 : undefined;
  }

  /** Reports whether the process ends with this shutdown. */
  get isMeantAsTheEnd(): boolean {
    if (this.signal === undefined) return false;
    return this.isNestEndingProcess || this.forcedBy !== undefined || isEnding(this.signal);
  }

  private endProcess(code: number | undefined): void {
    const { clock, grace } = this.core;
    const exit = () => this.host.exit(code ?? this.host.exitCode ?? 0);
    if (this.isNestEndingProcess || this.forcedBy) {
      if (code !== undefined) exit();
      // Nest's closing signal needs an event loop that still turns, to reach whoever listens for it.
      else clock.after(selfKillMs, exit);
      return;
    }
    // A listener of the application's own has closed it. It may have closed it to start another one, which runs now.
    const exitUnlessAnotherRuns = () => {
      if (!this.companion.isAnotherRunning(this)) return exit();
      if (code !== undefined) this.host.exitCode = code;
    };
    if (code !== undefined) return exitUnlessAnotherRuns();
    // It gets the time for whatever else it does, and the process ends as soon as nothing is left to do.
    const graceEndsInMs = this.signalAt + hardStopAfterMs(grace.now) - clock.now();
    clock.after(graceEndsInMs, exitUnlessAnotherRuns).unref?.();
  }
}

function isEnding(signal: NodeJS.Signals | undefined): boolean {
  return signal !== undefined && endingSignals.includes(signal);
}
