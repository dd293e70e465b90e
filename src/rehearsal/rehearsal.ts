import { timerMaxMs } from '../sequence/budget.js';
import { DrainError } from '../sequence/errors.js';
import { type ShutdownEvents } from '../sequence/events.js';
import { type ShutdownPhase } from '../sequence/phase.js';
import { Findings, type FindingsParts } from './findings.js';
import { type RehearsalReport } from './rehearsal-report.js';

/**
 * What `GracefulShutdown.rehearse()` is asked for.
 *
 * @publicApi
 */
export interface RehearsalOptions {
  /**
   * How long readiness fails, whole ms, at least 1. Longer than the platform takes to notice: the probe's period times
   * its threshold, and propagation.
   */
  readonly forMs: number;
  /** Why, for the log and the report. @default 'rehearse()' */
  readonly reason?: string;
}

/** What a rehearsal needs around it. */
export interface RehearsalParts extends FindingsParts {
  readonly events: ShutdownEvents;
  /** Reports whether the options allow it. */
  readonly isAllowed: boolean;
  readonly phase: () => ShutdownPhase;
  /** Has the servers tell clients to leave. The function it returns takes that back, and leaves nothing of it. */
  readonly announce: () => () => void;
  /** Hears that one has begun, or ended, and that readiness differs. */
  readonly changed?: () => void;
}

/**
 * Takes the replica out of traffic for a while without a shutdown: readiness fails and clients are told to leave, in
 * phase `running`, with everything served. One runs at a time. A shutdown that begins ends it first, and finds nothing
 * of it.
 *
 * @internal
 */
export class Rehearsal {
  private findings?: Findings;

  constructor(private readonly parts: RehearsalParts) {}

  get isRunning(): boolean {
    return this.findings !== undefined;
  }

  /**
   * @returns the report, at the end of the rehearsal, when readiness is up again; it never rejects
   * @throws DrainError `DRAIN_REHEARSAL_NOT_ALLOWED`, `DRAIN_TOO_LATE` once a shutdown has begun,
   * `DRAIN_REHEARSAL_RUNNING`, `DRAIN_INVALID_ARGUMENT`
   */
  start(options: RehearsalOptions): Promise<RehearsalReport> {
    this.check(options);
    const { clock, events } = this.parts;
    const { forMs, reason = 'rehearse()' } = options;
    return new Promise((resolve) => {
      const retract = this.parts.announce();
      const findings = (this.findings = new Findings(this.parts, forMs, reason));
      const end = (endedBy: RehearsalReport['endedBy']) => {
        this.findings = undefined;
        timer.cancel();
        unsubscribe();
        retract();
        this.parts.changed?.();
        resolve(findings.report(endedBy));
      };
      // The first transition comes before anything is announced.
      const unsubscribe = events.subscribe(({ type }) => {
        if (type === 'phase') end('shutdown');
      });
      const timer = clock.after(forMs, () => end('time'));
      timer.unref?.();
      this.parts.changed?.();
    });
  }

  /** A probe has been told that the replica is not ready. */
  probed(): void {
    this.findings?.probed();
  }

  /** A probe has got its answer, and it is a failure. */
  probeAnswered(name: string, userAgent: string | undefined): void {
    this.findings?.probeAnswered(name, userAgent);
  }

  /**
   * A request has arrived that is for no health route; its lease is not taken yet.
   *
   * @param openedAt the instant at which its connection was opened
   */
  requestArrived(openedAt: number): void {
    this.findings?.requestArrived(openedAt);
  }

  private check(options: RehearsalOptions): void {
    if (!this.parts.isAllowed) {
      throw new DrainError(
        'DRAIN_REHEARSAL_NOT_ALLOWED',
        'Expected rehearse() where the options allow it, got it without. It takes the replica out of traffic: ' +
          'set allowRehearsal: true in GracefulShutdownModule.forRoot(), and guard the route that calls it.',
      );
    }
    const phase = this.parts.phase();
    if (phase !== 'running') {
      throw new DrainError(
        'DRAIN_TOO_LATE',
        `Expected rehearse() before a shutdown has begun, got it in '${phase}'. Rehearse on another replica.`,
      );
    }
    if (this.findings) {
      throw new DrainError(
        'DRAIN_REHEARSAL_RUNNING',
        'Expected one rehearsal at a time, got a second one. Wait for the promise of the first.',
      );
    }
    const forMs = (options as Partial<RehearsalOptions> | undefined)?.forMs;
    if (!Number.isInteger(forMs) || forMs! < 1 || forMs! > timerMaxMs) {
      throw new DrainError(
        'DRAIN_INVALID_ARGUMENT',
        `Expected rehearse({ forMs }) to be given whole milliseconds between 1 and ${timerMaxMs}, ` +
          `got ${String(forMs)}. Give longer than the platform takes to notice, such as 30_000.`,
      );
    }
  }
}
