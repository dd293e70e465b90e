import { Inject, Injectable, Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import { type DrainCore } from './drain-core.js';
import { countIn, isCountedSource } from './drainables/jobs/shared/counted-source.js';
import { checkHook, checkIsFunction } from './hooks/check-hook.js';
import { type HookOptions, type ShutdownHook } from './hooks/hook-registry.js';
import { type Lease } from './in-flight/lease.js';
import { snapshotOf, type ShutdownSnapshot } from './in-flight/snapshot.js';
import { DRAIN_CORE } from './in-flight/tokens.js';
import { type AfterReportWork } from './sequence/after-report.js';
import { type Drainable } from './sequence/drainable.js';
import { DrainError, notThat } from './sequence/errors.js';
import { type ShutdownEvent } from './sequence/events.js';
import { type HookPhase } from './sequence/hooks.js';
import { hasReached, type ShutdownPhase } from './sequence/phase.js';
import { type RehearsalOptions } from './rehearsal/rehearsal.js';
import { type RehearsalReport } from './rehearsal/rehearsal-report.js';
import { type ShutdownOutcome, type ShutdownReport } from './sequence/report.js';
import { setExitCode, type ShutdownCallOptions } from './nest/exit-code.js';
import { isCalledByHandler } from './nest/insides/handler-frames.js';
import { SelfWait } from './nest/self-wait.js';
import { areShutdownHooksEnabled } from './nest/signals.js';

/** A signal that a process sends itself arrives within this time, ms. */
const signalArrivesMs = 1_000;

/**
 * The shutdown of this application: where it stands, what it waits for, and how to take part in it. Inject it.
 *
 * @publicApi
 */
@Injectable()
export class GracefulShutdown {
  /** Every transition, hook, deadline and, last, the report. Completes after the report. */
  readonly events: Observable<ShutdownEvent>;
  private readonly logger = new Logger('GracefulShutdown');
  private readonly selfWait: SelfWait;

  /** Nest calls it. @internal */
  constructor(@Inject(DRAIN_CORE) private readonly core: DrainCore) {
    this.selfWait = new SelfWait(core, (message) => this.logger.warn(message));
    this.events = new Observable((subscriber) => {
      if (core.phase === 'closed') return subscriber.complete();
      return core.events.subscribe((event) => {
        subscriber.next(event);
        if (event.type === 'report') subscriber.complete();
      });
    });
  }

  /** Where the shutdown stands. */
  get phase(): ShutdownPhase {
    return this.core.phase;
  }

  /** Pieces of work in flight: requests, handlers, tracked promises, leases. */
  get inFlight(): number {
    return this.core.tracker.size;
  }

  /** What can be counted at this moment, for metrics. It looks through what is in flight: call it when it is asked for. */
  snapshot(): ShutdownSnapshot {
    return snapshotOf(this.core);
  }

  /** Aborts when new work is refused: a good moment for a handler to end a stream that it owns. */
  get drainingSignal(): AbortSignal {
    return this.core.sequence.drainingSignal;
  }

  /** Aborts when the drain deadline passes: what is in flight then has a short moment left. */
  get abortSignal(): AbortSignal {
    return this.core.sequence.abortSignal;
  }

  /**
   * The drain promise: settles when the work in flight has ended, or was cut. Never rejects. Pending while the
   * application runs. A handler that reads it during a shutdown does not wait for its own request, where no other was
   * in flight.
   */
  get drained(): Promise<ShutdownOutcome> {
    return this.phase === 'running' ? this.core.sequence.drained : this.drainedFor('drained');
  }

  /** Settles with the report when Nest has destroyed everything, or is not waited for any longer. Never rejects. */
  get closed(): Promise<ShutdownReport> {
    return this.core.sequence.closed;
  }

  /**
   * Time left until the drain deadline, ms (before draining: until the hard stop). Infinity while running, never
   * negative.
   */
  remainingMs(): number {
    return this.core.sequence.remainingMs();
  }

  /**
   * Takes a lease: the drain waits until it is released.
   *
   * @throws DrainError `DRAIN_TOO_LATE` once the drain is over
   */
  lease(name: string): Lease {
    return this.core.tracker.take('lease', name);
  }

  /**
   * Makes the drain wait for `work`: a promise, or a function that returns one. A query that is sent when somebody
   * waits for it is sent here: use the promise that is returned, not the query.
   *
   * @returns what `work` resolves to, or rejects with
   * @throws DrainError `DRAIN_TOO_LATE` once the drain is over; a function is then not called
   */
  async track<T>(work: PromiseLike<T> | (() => PromiseLike<T> | T), name?: string): Promise<T> {
    const lease = this.core.tracker.take(
      'task',
      name ?? (typeof work === 'function' && work.name ? work.name : 'tracked work'),
    );
    try {
      return await (typeof work === 'function' ? work() : work);
    } finally {
      lease.release();
    }
  }

  /**
   * Adds something of your own that holds work: it is told to leave, refuses, and is waited for, as the servers are.
   *
   * @throws DrainError `DRAIN_TOO_LATE` once the drain is over, `DRAIN_INVALID_ARGUMENT` for something that cannot be
   * drained
   */
  register(drainable: Drainable): void {
    if (typeof drainable?.drain !== 'function' || typeof drainable.forceClose !== 'function' || !drainable.name) {
      throw notThat('register()', 'a Drainable (name, drain, forceClose)', drainable, 'Implement the missing members');
    }
    if (isCountedSource(drainable)) drainable[countIn](this.core.calls);
    if (!this.core.sequence.add(drainable)) {
      throw new DrainError(
        'DRAIN_TOO_LATE',
        `Expected '${drainable.name}' to be registered before the drain was over, got it in '${this.phase}'. ` +
          'Register it at bootstrap.',
      );
    }
  }

  /**
   * Takes a further server of the application under drain: an HTTP server (`http.createServer(expressInstance)` beside
   * Nest's own; HTTP/2 too), or a server of WebSockets that is no gateway, of `ws` or socket.io, whose clients are then
   * told to leave as those of gateways are. Call it before the server listens.
   *
   * What handlers of such WebSockets have in progress is not known: `track()` it.
   *
   * @throws DrainError `DRAIN_INVALID_ARGUMENT` for anything but a server of `node:http`, `node:https` or `node:http2`,
   * or one of `ws` or socket.io (attached to an HTTP server)
   */
  attachServer(server: object): void {
    if (this.core.servers.attachFurther(server) || this.core.webSockets.attach(server)) return;
    const expected = 'a server of node:http, node:https or node:http2, or one of ws or socket.io';
    throw notThat('attachServer()', expected, server, 'Other servers are a Drainable of their own: register()');
  }

  /**
   * Adds a hook in code; `@OnShutdown()` does the same for a provider's method.
   *
   * @returns a function that takes it out again
   * @throws DrainError `DRAIN_INVALID_OPTION` for a phase or an option that makes no sense, `DRAIN_INVALID_ARGUMENT`
   * when the hook is no function
   */
  onShutdown(phase: HookPhase, hook: ShutdownHook, options: HookOptions = {}): () => void {
    checkHook('onShutdown()', phase, options);
    checkIsFunction('onShutdown()', hook);
    return this.core.hooks.add(phase, hook, options);
  }

  /**
   * Adds what is done when the report is there, such as the last export of metrics: `work` is given the report, and the
   * process ends after it. It is waited for up to `hookTimeoutMs`, and never as long as the platform kills at the end
   * of the grace period. What goes wrong is written to stderr, under its `name`.
   *
   * @returns a function that takes it out again
   * @throws DrainError `DRAIN_INVALID_ARGUMENT` when `work` is no function
   */
  afterReport(work: AfterReportWork, name?: string): () => void {
    checkIsFunction('afterReport()', work);
    return this.core.sequence.afterReport.add(work, name ?? (work.name || 'a function'));
  }

  /**
   * Takes this replica out of traffic for a while, and back, and reports what was seen: how long traffic took to leave
   * (to set `lameDuck.minMs` by), what was in flight, which probes noticed. The phase stays `running` and everything is
   * served; readiness answers down, whatever the option `readiness` says, and HTTP/1.1 answers carry
   * `Connection: close`, so that pooled clients go where the platform sends them. HTTP/2 sessions and WebSockets are
   * not told: they would really go. Streams and upgrades on new connections are served, and only streams are counted.
   *
   * It is real for the platform: have another replica ready. One at a time. A shutdown that begins ends it at once, and
   * has its whole lame duck.
   *
   * @returns the report, once readiness is up again or a shutdown has begun
   * @throws DrainError (the promise rejects) `DRAIN_REHEARSAL_NOT_ALLOWED` without the option `allowRehearsal`,
   * `DRAIN_TOO_LATE` once a shutdown has begun,
   * `DRAIN_REHEARSAL_RUNNING` while another one runs, `DRAIN_INVALID_ARGUMENT` for a `forMs` that is none
   */
  async rehearse(options: RehearsalOptions): Promise<RehearsalReport> {
    const rehearsed = this.core.rehearsal.start(options);
    const { logger } = this;
    logger.log(`rehearsal (${options.reason ?? 'rehearse()'}): readiness fails for ${options.forMs} ms, all is served`);
    const report = await rehearsed;
    logger.log(`rehearsal ended by ${report.endedBy} after ${report.ms} ms: ${JSON.stringify(report)}`);
    return report;
  }

  /**
   * Drains the application: lame duck (only when `lameDuck` is given explicitly), draining, releasing. Joins a shutdown
   * that has begun.
   *
   * Where Nest's shutdown hooks are enabled it then hands over to Nest, by sending the process SIGTERM. Otherwise it
   * leaves the application drained, with its listener closed, and a later `app.close()` joins in.
   *
   * A handler had better not wait for it, but answer. One that does is let go when its own request is all that is left,
   * which is known where no other was in flight when it called.
   *
   * @returns how the drain ended; never rejects
   */
  async shutdown(reason = 'shutdown()', { exitCode }: ShutdownCallOptions = {}): Promise<ShutdownOutcome> {
    if (exitCode !== undefined) setExitCode(exitCode);
    const drained = this.drainedFor('shutdown()');
    const isFirst = !hasReached(this.phase, 'lame-duck');
    const released = this.core.sequence.begin({ reason, isHostClosing: false }).then(() => {
      if (isFirst && areShutdownHooksEnabled('SIGTERM')) this.handOverToNest();
    });
    // A handler is let go before its own drain has ended.
    if (drained === this.core.sequence.drained) await released;
    return drained;
  }

  private drainedFor(what: string): Promise<ShutdownOutcome> {
    return isCalledByHandler() ? this.selfWait.drainedBeside(what) : this.core.sequence.drained;
  }

  /** With the listener closed nothing else may keep the event loop alive until the signal has arrived. */
  private handOverToNest(): void {
    const hold = this.core.clock.after(signalArrivesMs, () => undefined);
    void this.closed.then(() => hold.cancel());
    process.kill(process.pid, 'SIGTERM');
  }
}
