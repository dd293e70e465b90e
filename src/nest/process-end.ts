import { constants } from 'node:os';
import { type DrainCore } from '../drain-core.js';
import { hardStopAfterMs } from '../sequence/budget.js';
import { settledWithin } from '../sequence/clock.js';
import { type ShutdownReport } from '../sequence/report.js';
import { shieldOutput } from './output-shield.js';
import { SignalCompanion, type SignalReceiver } from './signals.js';

/** A signal that nobody has closed the application for after this long did not mean to, ms. */
const signalMs = 10_000;
/** Nest sends the process its signal again when it has closed. If it still lives after this long, somebody else listens for that signal, ms. */
const selfKillMs = 500;

/**
 * Where a shutdown meets the process: which signal began it, what a second one does, and how the process ends.
 *
 * - clean: as Nest ends it; exit 0 as PID 1, where Nest's closing signal has no effect
 * - unclean (timed out, a hook failed, the hard stop): exit 1
 * - forced by a second signal: 128 + its number
 *
 * Only a shutdown begun by a signal may end the process.
 */
export class ProcessEnd implements SignalReceiver {
  private readonly companion = new SignalCompanion(this);
  private signal?: NodeJS.Signals;
  private signalAt = -Infinity;
  private forcedBy?: NodeJS.Signals;
  private hasBegun = false;
  private isNestEndingProcess = false;
  private unshieldOutput: () => void = () => undefined;
  private ended?: Promise<void>;
  /** What the report asks for. Settles when its subscribers have had a turn, for what they print. */
  private readonly exitCode: Promise<number | undefined>;

  constructor(private readonly core: DrainCore) {
    this.exitCode = core.sequence.closed.then(async (report) => {
      await new Promise((resolve) => setImmediate(resolve));
      return this.exitCodeFor(report);
    });
  }

  /** Begins to listen, beside whoever else does. */
  start(): void {
    this.companion.start();
    const unsubscribe = this.core.events.subscribe(() => {
      unsubscribe();
      this.unshieldOutput = shieldOutput();
    });
    void this.core.sequence.closed.then(() => this.end());
  }

  /** Begins the shutdown of an application that is closing, or joins the one that has begun. Never rejects. */
  begin(): Promise<void> {
    const { sequence, clock } = this.core;
    if (!this.hasBegun) {
      this.hasBegun = true;
      if (clock.now() - this.signalAt > signalMs) this.signal = undefined;
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
    await this.end();
  }

  received(signal: NodeJS.Signals): void {
    const isFirst = this.signal === undefined || !this.hasBegun;
    if (isFirst) {
      this.signal = signal;
      this.signalAt = this.core.clock.now();
      return;
    }
    if (this.core.options.secondSignal[signal] !== 'force') return;
    this.forcedBy = signal;
    this.core.sequence.force(`a second signal, ${signal}`);
  }

  ending(): Promise<number | undefined> | undefined {
    return this.hasBegun && this.signal ? this.exitCode : undefined;
  }

  private end(): Promise<void> {
    return (this.ended ??= this.endProcess());
  }

  private async endProcess(): Promise<void> {
    const own = await this.exitCode;
    const others = this.signal && !this.forcedBy ? await this.othersEnd() : [];
    this.companion.stop();
    if (this.signal) {
      const code = [own, ...others].find((each) => each) ?? own;
      if (code !== undefined) process.exit(code);
      this.endIfNobodyDoes();
    }
    this.unshieldOutput();
  }

  /**
   * Nest ends the process of every application in it: whoever finishes first waits for those that the same signal has begun, and for the exit codes
   * that they ask for.
   */
  private async othersEnd(): Promise<readonly (number | undefined)[]> {
    const { clock, options } = this.core;
    const codes: (number | undefined)[] = [];
    const ending = this.companion.othersEnding().map(async (code) => codes.push(await code));
    await settledWithin(clock, Promise.all(ending), options.gracePeriodMs);
    return codes;
  }

  private exitCodeFor(report: ShutdownReport): number | undefined {
    if (this.forcedBy) return 128 + constants.signals[this.forcedBy];
    if (!report.clean) return 1;
    return process.pid === 1 && this.isNestEndingProcess ? 0 : undefined;
  }

  /**
   * Nest's closing signal needs an event loop that still turns, to reach whoever listens for it. A listener of the application's own that has closed
   * it gets the time for whatever else it does, and the process ends as soon as nothing is left to do.
   */
  private endIfNobodyDoes(): void {
    const { clock, options } = this.core;
    const end = () => process.exit(0);
    if (this.isNestEndingProcess) clock.after(selfKillMs, end);
    else clock.after(this.signalAt + hardStopAfterMs(options.gracePeriodMs) - clock.now(), end).unref?.();
  }
}
