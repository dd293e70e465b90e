import { type INestApplication } from '@nestjs/common';
import { type GracefulShutdown, type ShutdownPhase, type ShutdownReport } from 'nestjs-drain';
import { type DrillRequest } from '../drill/exchange.js';
import { type Failure, StrictClients, type TrafficReport } from '../drill/strict-client.js';
import { checkDurationMs, sleep } from '../drill/timing.js';
import { shutdownOf } from './application.js';
import { FakePlatform } from './fake-platform.js';
import { mixOf } from './requests.js';
import { type Roll, type RollFailure } from './roll.js';
import { Successor } from './successor.js';

/**
 * How an application is rolled.
 *
 * @publicApi
 */
export interface DrillOptions {
  /** What the clients ask, in turn: `'GET /orders'`, or with a body and the right answer. */
  readonly requests: readonly (string | DrillRequest)[];
  /** Called while traffic flows. When it has resolved the application is closed, unless it has begun that itself. */
  readonly during?: (run: DrillRun) => void | Promise<void>;
  /** The route that the platform probes. @default '/health/ready' */
  readonly readinessPath?: string;
  /**
   * How long the platform still sends new connections to an application whose readiness has failed, ms. @default 200
   */
  readonly lagMs?: number;
  /**
   * The least that the lame duck lasts, ms; one that the module's options ask for may last longer. 0 has `app.close()`
   * go its usual way. @default until the platform has left, however late a busy machine makes it, and 200 ms more: what
   * is tested then is the application
   */
  readonly lameDuckMs?: number;
  /** Clients, each with one keep-alive connection and at most one request under way. @default 8 */
  readonly clients?: number;
  /** A request that has no whole answer after this long has failed, ms. @default 10000 */
  readonly timeoutMs?: number;
}

/**
 * A drill that is under way.
 *
 * @publicApi
 */
export interface DrillRun {
  /** Where clients connect: the platform's address. */
  readonly url: string;
  /** Begins to close the application, now. The promise is that of the report. */
  close(): Promise<ShutdownReport>;
  /** Resolves when the shutdown has reached this phase. */
  reached(phase: Exclude<ShutdownPhase, 'running'>): Promise<void>;
}

/** Between two probes: readiness that fails is noticed at once, for the lag is what is chosen. */
const probePeriodMs = 25;
/** What the lame duck lasts when the platform has left: what it had sent is on its way. */
const spareMs = 200;
/** How much later than its lag the platform may leave. It never leaves one whose readiness does not fail. */
const latenessMs = 2_000;
/** The pause of a client between an answer and its next request. */
const thinkMs = 5;
/** How long to wait for traffic before and after, at most: a route may be slow. */
const trafficWithinMs = 2_000;
const hookName = 'drill: until the platform has left';

/**
 * Closes an application under traffic, as a rolling restart does, and tells what became of every request: strict
 * clients ask through a platform that notices readiness late, a successor that answers everything joins, the
 * application is closed with a lame duck, and traffic goes on until the platform has left it.
 *
 * ```ts
 * const roll = await drill(app, { requests: ['GET /orders'] });
 * expect(roll).toLoseNothing();
 * ```
 *
 * @param app with `GracefulShutdownModule`, over plain HTTP/1.1; from `Test` or `NestFactory`, listening or not. It is
 * closed afterwards.
 * @returns what became of it. Rejects with what `during`, or `app.close()`, has thrown.
 * @throws DrainError `DRAIN_INVALID_ARGUMENT` for an application without the module or without its readiness route, or
 * requests that are none; RangeError for a number out of range
 * @publicApi
 */
export async function drill(app: INestApplication, options: DrillOptions): Promise<Roll> {
  const mix = mixOf(options.requests);
  const shutdown = shutdownOf(app, 'drill()');
  const { lagMs = 200, clients: count = 8, timeoutMs, readinessPath, during } = options;
  checkDurationMs('lameDuckMs', options.lameDuckMs ?? 0);
  const platform = await FakePlatform.start({
    probe: readinessPath,
    noticesAfterMs: probePeriodMs,
    leavesAfterMs: lagMs,
  });
  const successor = await Successor.listen(mix);
  let clients: StrictClients | undefined;
  let closing: Closing | undefined;
  try {
    clients = new StrictClients({ url: platform.url, clients: count, mix, timeoutMs, thinkMs });
    closing = new Closing(app, shutdown, platform, successor, clients, { lagMs, lameDuckMs: options.lameDuckMs });
    await platform.routeTo(app);
    void clients.run();
    if (during) await during(closing.run());
    else await outcomes(clients, 3 * count);
    const report = await closing.close();
    await platform.left(app);
    await outcomes(clients, clients.counts().requests + count);
    return closing.rollOf(await clients.stop(), report);
  } finally {
    closing?.end();
    // Cuts what is still held, after a failure: nobody waits for its time to be over.
    const stopped = clients?.stop();
    await platform.close();
    await successor.close();
    await stopped;
  }
}

/** Resolves when this many requests have an outcome, or when that takes too long. */
async function outcomes(clients: StrictClients, wanted: number): Promise<void> {
  const latestAt = clients.elapsedMs() + trafficWithinMs;
  while (clients.counts().requests < wanted && clients.elapsedMs() < latestAt) await sleep(thinkMs);
}

/** The close of the application, and what the drill keeps of it. */
class Closing {
  private readonly phases: { readonly phase: ShutdownPhase; readonly atMs: number }[] = [];
  private readonly waiting: { readonly phase: ShutdownPhase; readonly resolve: () => void }[] = [];
  private readonly subscription: { unsubscribe(): void };
  private removeHook?: () => void;
  private closed?: Promise<ShutdownReport>;
  private closedAtMs = Infinity;

  constructor(
    private readonly app: INestApplication,
    private readonly shutdown: GracefulShutdown,
    private readonly platform: FakePlatform,
    private readonly successor: Successor,
    private readonly clients: StrictClients,
    private readonly times: { readonly lagMs: number; readonly lameDuckMs?: number },
  ) {
    this.subscription = shutdown.events.subscribe((event) => {
      if (event.type === 'phase') this.entered(event.phase);
    });
  }

  /** For `during`, which may take it apart. */
  run(): DrillRun {
    return { url: this.platform.url, close: () => this.close(), reached: (phase) => this.reached(phase) };
  }

  close(): Promise<ShutdownReport> {
    if (!this.closed) {
      this.closed = this.closeApplication();
      // Where `during` has thrown nobody waits for it.
      this.closed.catch(() => undefined);
    }
    return this.closed;
  }

  end(): void {
    this.subscription.unsubscribe();
    this.removeHook?.();
  }

  rollOf(traffic: TrafficReport, shutdown: ShutdownReport): Roll {
    const { requests, failed } = traffic;
    const { answered } = this.successor;
    return {
      requests,
      failed,
      failures: traffic.failures.map((failure) => this.described(failure)),
      servedByApp: requests - failed - answered,
      servedBySuccessor: answered,
      shutdown: { ...shutdown, hooks: shutdown.hooks.filter(({ name }) => name !== hookName) },
      drainMs: shutdown.phases.find(({ phase }) => phase === 'draining')?.ms ?? 0,
    };
  }

  private async closeApplication(): Promise<ShutdownReport> {
    await this.platform.route(this.successor);
    const { lagMs, lameDuckMs } = this.times;
    if (lameDuckMs !== 0) {
      const timeoutMs = (lameDuckMs ?? lagMs + latenessMs + spareMs) + 1_000;
      const wait = ({ deadline }: { deadline: AbortSignal }) => this.lameDuck(deadline);
      this.removeHook = this.shutdown.onShutdown('lame-duck', wait, { name: hookName, timeoutMs });
    }
    this.closedAtMs = this.clients.elapsedMs();
    await this.app.close();
    return this.shutdown.closed;
  }

  private async lameDuck(deadline: AbortSignal): Promise<void> {
    const { lagMs, lameDuckMs } = this.times;
    if (lameDuckMs !== undefined) return sleep(lameDuckMs, deadline);
    const over = new AbortController();
    await Promise.race([
      this.platform.left(this.app),
      sleep(lagMs + latenessMs, AbortSignal.any([deadline, over.signal])),
    ]);
    over.abort();
    await sleep(spareMs, deadline);
  }

  private reached(phase: ShutdownPhase): Promise<void> {
    if (this.phases.some((entered) => entered.phase === phase)) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ phase, resolve }));
  }

  private entered(phase: ShutdownPhase): void {
    this.phases.push({ phase, atMs: this.clients.elapsedMs() });
    for (const each of this.waiting) if (each.phase === phase) each.resolve();
  }

  private described({ request, kind, atMs, afterMs, reusedConnection, localPort, detail }: Failure): RollFailure {
    const sentTo = localPort === undefined ? undefined : this.platform.servedBy(localPort);
    return {
      request,
      kind,
      sinceCloseMs: Math.round(atMs - this.closedAtMs),
      phase: this.phases.findLast((entered) => entered.atMs <= atMs)?.phase ?? 'running',
      afterMs: Math.round(afterMs),
      reusedConnection,
      ...(sentTo === undefined ? {} : { sentTo: sentTo as RollFailure['sentTo'] }),
      ...(detail === undefined ? {} : { detail }),
    };
  }
}
