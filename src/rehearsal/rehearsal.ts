import { lameDuckMinMsFor, timerMaxMs } from '../sequence/budget.js';
import { type Clock } from '../sequence/clock.js';
import { DrainError } from '../sequence/errors.js';
import { type ShutdownEvents } from '../sequence/events.js';
import { type ShutdownPhase } from '../sequence/phase.js';
import { type Traffic } from '../sequence/traffic.js';

/**
 * What `GracefulShutdown.rehearse()` is asked for.
 *
 * @publicApi
 */
export interface RehearsalOptions {
  /** How long readiness fails, whole ms, at least 1. Longer than the platform takes to notice: the probe's period times its threshold, and propagation. */
  readonly forMs: number;
  /** Why, for the log and the report. @default 'rehearse()' */
  readonly reason?: string;
}

/**
 * What a rehearsal has found. Plain data. Instants are ms after readiness failed.
 *
 * @publicApi
 */
export interface RehearsalReport {
  readonly reason: string;
  /** Calendar time at which readiness failed, ISO 8601. */
  readonly startedAt: string;
  readonly requestedMs: number;
  readonly ms: number;
  /** `shutdown`: a real one began before the time was up. */
  readonly endedBy: 'time' | 'shutdown';
  /** Requests that arrived, those for health routes apart. All were served. */
  readonly requests: number;
  /** Of these, the ones on connections that were opened after readiness had failed: the platform still routed here. */
  readonly newConnections: number;
  /** When the last of these arrived: the platform's lag, once it has been quiet for a while. */
  readonly lastNewConnectionMs?: number;
  readonly probes: {
    /** How often somebody asked, and was told that the replica is not ready. */
    readonly seen: number;
    readonly firstFailureSeenMs?: number;
    /** Who was answered with a failure over HTTP/1.1: the route, and the `User-Agent`. At most 20. */
    readonly by: readonly RehearsalProbe[];
  };
  /** Pieces of work in flight. `max` is as seen whenever a request arrived. */
  readonly inFlight: { readonly atStart: number; readonly atEnd: number; readonly max: number };
  /** What `lameDuck.minMs` should be at least, by this rehearsal: the lag rounded up to half a second, and one second. Missing where it was not measured: `advice` says why. */
  readonly suggestedMinMs?: number;
  /** Why nothing was measured, in words. Empty when there is nothing to say. */
  readonly advice: readonly string[];
}

/** @publicApi */
export interface RehearsalProbe {
  /** Method and route pattern. */
  readonly name: string;
  readonly userAgent?: string;
  readonly count: number;
}

export interface RehearsalParts {
  readonly clock: Clock;
  readonly events: ShutdownEvents;
  readonly inFlight: { readonly size: number };
  readonly traffic: Pick<Traffic, 'effectiveQuietMs'>;
  readonly isAllowed: boolean;
  readonly phase: () => ShutdownPhase;
  /** Has the servers tell clients to leave; returns what takes that back, and leaves nothing of it. */
  readonly announce: () => () => void;
}

const probesKept = 20;
/** Quiet for less than this tells nothing; low traffic needs longer. */
const quietMs = 1_000;

/**
 * An overlay on readiness and announcement: while it runs readiness fails and clients are told to leave, in phase `running`, with everything served. One at a time. A shutdown that
 * begins ends it first, and finds nothing of it.
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
   * @throws DrainError `DRAIN_REHEARSAL_NOT_ALLOWED`, `DRAIN_TOO_LATE` once a shutdown has begun, `DRAIN_REHEARSAL_RUNNING`, `DRAIN_INVALID_ARGUMENT`
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
        resolve(findings.report(endedBy));
      };
      // The first transition comes before anything is announced.
      const unsubscribe = events.subscribe(({ type }) => {
        if (type === 'phase') end('shutdown');
      });
      const timer = clock.after(forMs, () => end('time'));
      timer.unref?.();
    });
  }

  /** A probe has been told that the replica is not ready. */
  probed(): void {
    this.findings?.probed();
  }

  /** A probe has got its answer, a failure. */
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
        'Expected rehearse() where the options allow it, got it without. It takes the replica out of traffic: set allowRehearsal: true in GracefulShutdownModule.forRoot(), and guard the route that calls it.',
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
        `Expected rehearse({ forMs }) to be given whole milliseconds between 1 and ${timerMaxMs}, got ${String(forMs)}. Give longer than the platform takes to notice, such as 30_000.`,
      );
    }
  }
}

/** What is seen while one rehearsal runs. */
class Findings {
  private readonly startedAt: number;
  private readonly startedDate: Date;
  private readonly atStart: number;
  private max: number;
  private requests = 0;
  private newConnections = 0;
  private lastNewConnectionMs?: number;
  private seen = 0;
  private firstFailureSeenMs?: number;
  private readonly by = new Map<string, { name: string; userAgent?: string; count: number }>();

  constructor(
    private readonly parts: RehearsalParts,
    private readonly requestedMs: number,
    private readonly reason: string,
  ) {
    this.startedAt = parts.clock.now();
    this.startedDate = parts.clock.date();
    this.atStart = this.max = parts.inFlight.size;
  }

  probed(): void {
    this.seen++;
    this.firstFailureSeenMs ??= this.elapsedMs;
  }

  probeAnswered(name: string, userAgent: string | undefined): void {
    const key = `${name} ${userAgent ?? ''}`;
    const known = this.by.get(key);
    if (known) known.count++;
    else if (this.by.size < probesKept) this.by.set(key, { name, userAgent, count: 1 });
  }

  requestArrived(openedAt: number): void {
    this.requests++;
    this.max = Math.max(this.max, this.parts.inFlight.size + 1);
    if (openedAt < this.startedAt) return;
    this.newConnections++;
    this.lastNewConnectionMs = this.elapsedMs;
  }

  report(endedBy: RehearsalReport['endedBy']): RehearsalReport {
    const ms = this.elapsedMs;
    const { requests, newConnections, lastNewConnectionMs, seen, firstFailureSeenMs } = this;
    const advice = this.advice(ms);
    // Nobody leaves before a probe has failed.
    const lagMs = Math.max(lastNewConnectionMs ?? 0, firstFailureSeenMs ?? 0);
    return {
      reason: this.reason,
      startedAt: this.startedDate.toISOString(),
      requestedMs: this.requestedMs,
      ms,
      endedBy,
      requests,
      newConnections,
      ...(lastNewConnectionMs === undefined ? {} : { lastNewConnectionMs }),
      probes: {
        seen,
        ...(firstFailureSeenMs === undefined ? {} : { firstFailureSeenMs }),
        by: [...this.by.values()],
      },
      inFlight: { atStart: this.atStart, atEnd: this.parts.inFlight.size, max: this.max },
      ...(advice.length > 0 ? {} : { suggestedMinMs: lameDuckMinMsFor(lagMs) }),
      advice,
    };
  }

  /** Why the lag is not known. */
  private advice(ms: number): string[] {
    const advice: string[] = [];
    if (this.seen === 0) {
      advice.push(
        `No probe asked in ${ms} ms whether the replica is ready, so the platform cannot have noticed. Point the readiness probe at a route that calls isReady(), and rehearse for longer than its period times its threshold.`,
      );
    }
    if (this.requests === 0) advice.push('No request arrived, so nothing was measured. Rehearse under traffic.');
    const neededMs = Math.ceil(this.parts.traffic.effectiveQuietMs(quietMs));
    const lastMs = this.lastNewConnectionMs ?? 0;
    if (this.requests > 0 && ms - lastMs < neededMs) {
      advice.push(
        `The last request on a new connection came ${ms - lastMs} ms before the end, and ${neededMs} ms without one are needed to tell that traffic has left. Rehearse for longer.`,
      );
    }
    return advice;
  }

  private get elapsedMs(): number {
    return Math.round(this.parts.clock.now() - this.startedAt);
  }
}
