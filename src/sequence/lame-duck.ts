import { type Clock, delay, delayAndCatchUp, settledWithin } from './clock.js';
import { type Probes } from './probes.js';
import { type Traffic } from './traffic.js';

/**
 * How long to keep serving after readiness has failed, ms.
 *
 * @publicApi
 */
export interface LameDuckOptions {
  /**
   * At least this long: it covers the time the platform needs to take traffic away, for quiet alone does not show that.
   * @default 5000
   */
  readonly minMs?: number;
  /**
   * Ends when no request has arrived for this long on a connection that nobody told to leave. Stretched for low
   * traffic. @default 1000
   */
  readonly quietMs?: number;
  /** At most this long. @default 10000 */
  readonly maxMs?: number;
}

/** Belongs to a window where nobody new comes: it ends when no client is left, and clients leave over all of it. */
interface LastClients {
  /** Resolves when no client is left, or when `cancelled` aborts. */
  readonly clientsGone: (cancelled: AbortSignal) => Promise<void>;
}

/** The window in force for one shutdown. */
export interface LameDuckWindow extends Partial<LastClients> {
  readonly minMs: number;
  readonly quietMs: number;
  readonly maxMs: number;
  /** Reports whether the window may only end once a probe has seen readiness fail. */
  readonly awaitsProbe: boolean;
}

export const noLameDuck: LameDuckWindow = { minMs: 0, quietMs: 0, maxMs: 0, awaitsProbe: false };

/** So much of a window in which clients leave is for telling them; the rest is for their leaving. */
const tellingShare = 0.75;

/** How long the telling of clients to leave may take, ms. */
export function tellingMs({ minMs, maxMs, clientsGone }: LameDuckWindow): number {
  return clientsGone ? maxMs * tellingShare : minMs;
}

/** What tells whether traffic has left. */
interface TrafficSources {
  readonly clock: Clock;
  readonly traffic: Pick<Traffic, 'effectiveQuietMs' | 'quietSince'>;
  readonly probes: Pick<Probes, 'failureSeen'>;
}

/**
 * Resolves when traffic has left: not before `minMs`, at the latest after `maxMs`, in between once it has been quiet.
 * Quiet can only extend
 * `minMs`, never stand in for it: clients that were told to leave move to other replicas at once, while a TCP balancer
 * still routes new ones here.
 */
export async function trafficHasLeft(
  window: LameDuckWindow,
  { clock, traffic, probes }: TrafficSources,
  interrupted: AbortSignal,
): Promise<void> {
  if (window.clientsGone) return clientsHaveLeft(window, window.clientsGone, clock, interrupted);
  const startedAt = clock.now();
  const quietMs = traffic.effectiveQuietMs(window.quietMs);
  const lastEndAt = startedAt + window.maxMs;

  while (!interrupted.aborted) {
    const awaitsProbe = window.awaitsProbe && !probes.failureSeen.aborted;
    const quietAt = Math.max(startedAt + window.minMs, traffic.quietSince + quietMs);
    const waitMs = (awaitsProbe ? lastEndAt : Math.min(quietAt, lastEndAt)) - clock.now();
    if (waitMs <= 0) return;
    const noLonger = awaitsProbe ? AbortSignal.any([interrupted, probes.failureSeen]) : interrupted;
    // What came while this process stood still is heard before quiet is believed.
    await delayAndCatchUp(clock, waitMs, noLonger);
  }
}

/** Resolves when no client is left, not before `minMs` and at the latest after `maxMs`. */
async function clientsHaveLeft(
  { minMs, maxMs }: LameDuckWindow,
  clientsGone: (cancelled: AbortSignal) => Promise<void>,
  clock: Clock,
  interrupted: AbortSignal,
): Promise<void> {
  await delay(clock, minMs, interrupted);
  const over = new AbortController();
  await settledWithin(clock, clientsGone(over.signal), maxMs - minMs, interrupted);
  over.abort();
}
