import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { dirname } from 'node:path';
import { type Clock, type ClockTimer } from '../sequence/clock.js';
import { type Leftover } from '../sequence/drainable.js';
import { DrainError, messageOf } from '../sequence/errors.js';
import { type PreviousRun, type ShutdownEvent, type ShutdownEvents } from '../sequence/events.js';

/** How often it is written within a phase, ms. */
const writeEveryMs = 500;
/** So many pieces of work are named, the oldest. */
const namedWork = 10;
/** So long a name may be. */
const longestName = 120;

/** What stands in the file. */
export interface Crumb extends PreviousRun {
  /** Calendar time at which the process began, ms: another process may get the same number. */
  readonly bornAt: number;
}

/** When this process began. */
export const bornAt = Math.round(performance.timeOrigin);

/** What is written about. */
interface Watched {
  readonly clock: Clock;
  readonly events: ShutdownEvents;
  readonly sequence: { readonly deadlines: { readonly hardStopAt: number } };
  readonly tracker: { readonly size: number; leftovers(): Leftover[] };
}

/**
 * A file that says, while the application shuts down, where that stands: whoever finds it when this process is gone
 * knows what it was killed in. Each process has its own, named after its number. It is written when the shutdown
 * begins, with each phase, and twice a second within it; and it is removed with the report.
 */
export class Breadcrumb {
  readonly file: string;
  /** When the shutdown began, by both clocks, and why. */
  private beginning?: { readonly at: number; readonly startedAt: string; readonly reason: string };
  private phase: PreviousRun['phase'] = 'running';
  private phaseBeganAt = 0;
  private hasFailed = false;
  private timer?: ClockTimer;

  constructor(
    path: string,
    private readonly watched: Watched,
    private readonly host: Pick<NodeJS.Process, 'pid' | 'on' | 'off'> = process,
  ) {
    this.file = `${path}.${host.pid}`;
  }

  /**
   * Makes sure that it can be written, and begins to follow the shutdown.
   *
   * @throws DrainError `DRAIN_INVALID_OPTION` where it cannot
   */
  start(): void {
    try {
      mkdirSync(dirname(this.file), { recursive: true });
      writeFileSync(`${this.file}.tmp`, '');
      rmSync(`${this.file}.tmp`);
    } catch (error) {
      throw new DrainError(
        'DRAIN_INVALID_OPTION',
        `GracefulShutdownModule: expected breadcrumb to be a path where this process can write '${this.file}', got ` +
          `${messageOf(error)}. Give it a folder that outlives the process and belongs to its user.`,
      );
    }
    this.watched.events.subscribe(this.hear);
  }

  private readonly hear = (event: ShutdownEvent): void => {
    if (event.type === 'phase') this.enter(event.phase, event.reason);
    else if (event.type === 'deadline' || event.type === 'forced') this.write();
    else if (event.type === 'report') this.remove();
  };

  private enter(phase: PreviousRun['phase'], reason: string): void {
    const { clock } = this.watched;
    const now = clock.now();
    if (!this.beginning) {
      this.beginning = { at: now, startedAt: clock.date().toISOString(), reason };
      this.host.on('exit', this.exiting);
    }
    this.phase = phase;
    this.phaseBeganAt = now;
    // It is removed in a moment.
    if (phase !== 'closed') this.writeAgain();
  }

  private readonly writeAgain = (): void => {
    this.write();
    this.timer?.cancel();
    const { clock, sequence } = this.watched;
    // What has been drained by `shutdown()` may stay so for ever.
    if (clock.now() >= sequence.deadlines.hardStopAt) return;
    this.timer = clock.after(writeEveryMs, this.writeAgain);
    this.timer.unref?.();
  };

  /** Another process must find the whole of it, whenever this one is killed: it takes the place of the last at once. */
  private write(exitCode?: number): void {
    try {
      writeFileSync(`${this.file}.tmp`, JSON.stringify(this.crumb(exitCode)), { mode: 0o600 });
      renameSync(`${this.file}.tmp`, this.file);
    } catch (error) {
      if (this.hasFailed) return;
      this.hasFailed = true;
      const message = `The breadcrumb ${this.file} could not be written: ${messageOf(error)}`;
      this.watched.events.emit({ type: 'problem', message });
    }
  }

  private crumb(exitCode?: number): Crumb {
    const { clock, tracker } = this.watched;
    const now = clock.now();
    const { phase, host } = this;
    const { at, startedAt, reason } = this.beginning!;
    return {
      pid: host.pid,
      bornAt,
      reason,
      startedAt,
      phase,
      phaseMs: Math.round(now - this.phaseBeganAt),
      elapsedMs: Math.round(now - at),
      inFlight: tracker.size,
      work: tracker
        .leftovers()
        .slice(0, namedWork)
        .map(({ kind, name, ageMs }) => ({ kind, name: name.slice(0, longestName), ageMs })),
      exitCode,
    };
  }

  /** The process ends by itself, in the middle: there is something to tell where work is lost with it. */
  private readonly exiting = (exitCode: number): void => {
    if (this.watched.tracker.size > 0) this.write(exitCode);
    else this.remove();
  };

  private remove(): void {
    this.timer?.cancel();
    this.host.off('exit', this.exiting);
    rmSync(this.file, { force: true });
  }
}
