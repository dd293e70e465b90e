import { constants } from 'node:os';
import { type DrainCore } from '../drain-core.js';
import { type ClockTimer, settledWithin } from '../sequence/clock.js';
import { type ShutdownReport } from '../sequence/report.js';
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
export class ProcessLifecycle implements SignalReceiver {
  private readonly companion = new SignalCompanion(this);
  private signal?: NodeJS.Signals;
  private signalAt = -Infinity;
  private forcedBy?: NodeJS.Signals;
  private hasBegun = false;
  private isEnding?: Promise<void>;

  constructor(private readonly core: DrainCore) {}

  /** Begins to listen, beside whoever else does. */
  start(): void {
    this.companion.start();
    void this.core.sequence.closed.then((report) => this.end(report));
  }

  /** Begins the shutdown of an application that is closing, or joins the one that has begun. Never rejects. */
  begin(): Promise<void> {
    const { sequence, clock } = this.core;
    if (!this.hasBegun) {
      this.hasBegun = true;
      if (clock.now() - this.signalAt > signalMs) this.signal = undefined;
      shieldOutput();
    }
    const { signal } = this;
    return sequence.begin({ reason: signal ? `signal ${signal}` : 'app.close()', signal, isHostClosing: true });
  }

  /** Nest has closed. Resolves when the report is settled and Nest may end the process; does not when it is ended here. */
  async hostClosed(): Promise<void> {
    this.core.sequence.hostClosed();
    await this.end(await this.core.sequence.closed);
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

  ending(): Promise<unknown> | undefined {
    return this.hasBegun && this.signal ? this.core.sequence.closed : undefined;
  }

  private end(report: ShutdownReport): Promise<void> {
    return (this.isEnding ??= this.endProcess(report));
  }

  private async endProcess(report: ShutdownReport): Promise<void> {
    // A turn for the subscribers of the report, and for what they print.
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.signal) {
      this.companion.stop();
      unshieldOutput();
      return;
    }
    if (!this.forcedBy) await this.othersEnd();
    this.companion.stop();
    const code = this.exitCode(report);
    if (code !== undefined) process.exit(code);
    unshieldOutput();
    this.endIfNestDoesNot();
  }

  /** Nest ends the process of every application in it: the first to finish waits for those that the same signal has begun. */
  private async othersEnd(): Promise<void> {
    const { clock, options } = this.core;
    await settledWithin(clock, Promise.all(this.companion.othersEnding()), options.gracePeriodMs);
  }

  private exitCode(report: ShutdownReport): number | undefined {
    if (this.forcedBy) return 128 + constants.signals[this.forcedBy];
    if (!report.clean) return 1;
    return process.pid === 1 ? 0 : undefined;
  }

  private endIfNestDoesNot(): ClockTimer {
    return this.core.clock.after(selfKillMs, () => process.exit(0));
  }
}

const ignore = () => undefined;

/** With a log collector that died first, a line on stdout raises EPIPE, which would end the process in mid-drain. */
function shieldOutput(): void {
  process.stdout.on('error', ignore);
  process.stderr.on('error', ignore);
}

function unshieldOutput(): void {
  process.stdout.off('error', ignore);
  process.stderr.off('error', ignore);
}
