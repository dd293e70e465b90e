import { lameDuckMinMsFor } from '../sequence/budget.js';
import { type Clock } from '../sequence/clock.js';
import { type Traffic } from '../sequence/traffic.js';
import { type RehearsalReport } from './rehearsal-report.js';

/** What the findings of a rehearsal are read from. */
export interface FindingsParts {
  readonly clock: Clock;
  readonly inFlight: { readonly size: number };
  readonly traffic: Pick<Traffic, 'effectiveQuietMs'>;
}

/** How many different callers are listed one by one. */
const probesKept = 20;
/** Quiet for less than this tells nothing, ms; low traffic needs longer. */
const quietMs = 1_000;

/** What is seen while one rehearsal runs. */
export class Findings {
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
    private readonly parts: FindingsParts,
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
        `No probe asked in ${ms} ms whether the replica is ready, so the platform cannot have noticed. ` +
          'Point the readiness probe at a route that calls isReady(), ' +
          'and rehearse for longer than its period times its threshold.',
      );
    }
    if (this.requests === 0) advice.push('No request arrived, so nothing was measured. Rehearse under traffic.');
    const neededMs = Math.ceil(this.parts.traffic.effectiveQuietMs(quietMs));
    const lastMs = this.lastNewConnectionMs ?? 0;
    if (this.requests > 0 && ms - lastMs < neededMs) {
      advice.push(
        `The last request on a new connection came ${ms - lastMs} ms before the end, and ${neededMs} ms without one ` +
          'are needed to tell that traffic has left. Rehearse for longer.',
      );
    }
    return advice;
  }

  private get elapsedMs(): number {
    return Math.round(this.parts.clock.now() - this.startedAt);
  }
}
