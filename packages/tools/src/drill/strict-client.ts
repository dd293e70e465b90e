import { setMaxListeners } from 'node:events';
import { Agent } from 'node:http';
import { exchange, type RequestSpec } from './exchange.js';
import { type FailureKind } from './outcomes.js';
import { quantilesOf } from './quantiles.js';
import { RequestMix } from './request-mix.js';
import { checkDurationMs, nextPoll, sleep } from './timing.js';

export interface StrictClientsOptions {
  /** Origin the requests go to, for instance `http://127.0.0.1:8080`; plain HTTP. */
  readonly url: string;
  /** How many clients there are. Each holds at most one connection and has at most one request under way. */
  readonly clients: number;
  readonly mix: readonly RequestSpec[];
  /** A request that has no whole answer after this long has failed. @default 10_000 */
  readonly timeoutMs?: number;
  /** Closed loop: how long a client pauses between an answer (or a failure) and its next request. @default 0 */
  readonly thinkMs?: number;
  /**
   * Open loop, instead of `thinkMs`: requests a second, of all clients together. A request that is late because its
   * client was still waiting for an answer counts its latency from the moment it was due.
   */
  readonly ratePerSecond?: number;
  /** Ends after this many requests, of all clients together. @default none, ends with `stop()` */
  readonly count?: number;
}

export interface Failure {
  readonly kind: FailureKind;
  /** The `name` of the request. */
  readonly request: string;
  /** When it was noticed, in ms since the clients began. */
  readonly atMs: number;
  /** How long after it had been sent. */
  readonly afterMs: number;
  /** Whether an earlier request had used the same connection. */
  readonly reusedConnection: boolean;
  /** The client's own port, if it had a connection; `Balancer.backendOf` takes it. */
  readonly localPort?: number;
  readonly detail?: string;
}

export interface TrafficCounts {
  /** Requests that have an outcome: `answered + failed`. */
  readonly requests: number;
  /** Answers that were whole and right. */
  readonly answered: number;
  readonly failed: number;
  /** Requests that wait for their answer. */
  readonly underWay: number;
  /** Connections that were opened, or tried to be. */
  readonly connections: number;
  readonly failuresByKind: Readonly<Partial<Record<FailureKind, number>>>;
}

export interface TrafficReport extends TrafficCounts {
  readonly failures: readonly Failure[];
  readonly durationMs: number;
  /** Of answered requests; all are 0 when there are none. */
  readonly latency: { readonly p50Ms: number; readonly p95Ms: number; readonly p99Ms: number; readonly maxMs: number };
}

/**
 * Keep-alive HTTP/1.1 clients that repair nothing. There are no retries: a kept connection that turns out to be reset
 * when it is used again is a failure, as it is for a caller whose request must not be sent twice. They are fair, too:
 * a client that was told `Connection: close`, or has already received the server's FIN, opens a new connection.
 * (`Keep-Alive: timeout=` is not read.)
 */
export class StrictClients {
  private readonly options: StrictClientsOptions;
  private readonly timeoutMs: number;
  private readonly thinkMs: number;
  private readonly stopping = new AbortController();
  private readonly failures: Failure[] = [];
  private readonly failuresByKind: Partial<Record<FailureKind, number>> = {};
  private readonly latenciesMs: number[] = [];
  private begunAt?: number;
  private started = 0;
  private connections = 0;
  private finished?: Promise<TrafficReport>;

  /** Throws a `RangeError` for an option that is out of range. */
  constructor(options: StrictClientsOptions) {
    this.options = options;
    this.timeoutMs = checkDurationMs('timeoutMs', options.timeoutMs ?? 10_000, 1);
    this.thinkMs = checkDurationMs('thinkMs', options.thinkMs ?? 0);
    if (!(options.clients >= 1)) throw new RangeError(`clients must be at least 1, got ${options.clients}.`);
    if (options.ratePerSecond !== undefined && !(options.ratePerSecond > 0)) {
      throw new RangeError(`ratePerSecond must be greater than 0, got ${options.ratePerSecond}.`);
    }
    new RequestMix(options.mix);
    setMaxListeners(0, this.stopping.signal);
  }

  /**
   * Begins, and resolves when `count` requests have an outcome or `stop()` was called. Never rejects; the same promise
   * on a second call.
   */
  run(): Promise<TrafficReport> {
    return (this.finished ??= this.runAll());
  }

  /** Begins no further request, lets those under way have their outcome, and closes the connections. */
  stop(): Promise<TrafficReport> {
    this.stopping.abort();
    return this.run();
  }

  /** Milliseconds since `run()`, 0 before: the clock of every `atMs`. */
  elapsedMs(): number {
    return this.begunAt === undefined ? 0 : performance.now() - this.begunAt;
  }

  /** The counts as they are now. */
  counts(): TrafficCounts {
    const answered = this.latenciesMs.length;
    const failed = this.failures.length;
    return {
      requests: answered + failed,
      answered,
      failed,
      underWay: this.started - answered - failed,
      connections: this.connections,
      failuresByKind: { ...this.failuresByKind },
    };
  }

  private async runAll(): Promise<TrafficReport> {
    const begunAt = (this.begunAt = performance.now());
    await Promise.all(Array.from({ length: this.options.clients }, (_, client) => this.runOne(client, begunAt)));
    return {
      ...this.counts(),
      failures: this.failures,
      durationMs: this.elapsedMs(),
      latency: quantilesOf(this.latenciesMs),
    };
  }

  private async runOne(client: number, begunAt: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const mix = new RequestMix(this.options.mix, client);
    const pace = this.paceOf(client, begunAt);
    for (let turn = 0; ; turn++) {
      const dueAt = await pace(turn);
      if (!this.mayStart()) break;
      this.started++;
      await this.ask(agent, mix.next(), dueAt);
    }
    agent.destroy();
  }

  private mayStart(): boolean {
    return !this.stopping.signal.aborted && this.started < (this.options.count ?? Infinity);
  }

  /** What a client waits for before its next request; resolves to the moment that request was due. */
  private paceOf(client: number, begunAt: number): (turn: number) => Promise<number> {
    const { signal } = this.stopping;
    const { ratePerSecond, clients } = this.options;
    if (ratePerSecond === undefined) {
      return async (turn) => {
        if (turn > 0 && this.thinkMs > 0) await sleep(this.thinkMs, signal);
        // Timers run before poll: a FIN that has come while it thought is read first.
        await nextPoll();
        return performance.now();
      };
    }
    const periodMs = (1000 * clients) / ratePerSecond;
    return async (turn) => {
      const dueAt = begunAt + periodMs * (turn + client / clients);
      const earlyMs = dueAt - performance.now();
      if (earlyMs > 0 && this.mayStart()) await sleep(earlyMs, signal);
      await nextPoll();
      return dueAt;
    };
  }

  private async ask(agent: Agent, spec: RequestSpec, dueAt: number): Promise<void> {
    const sentAt = performance.now();
    const { fault, reusedConnection, localPort } = await exchange(spec, {
      agent,
      url: this.options.url,
      timeoutMs: this.timeoutMs,
    });
    const answeredAt = performance.now();
    if (!reusedConnection) this.connections++;
    if (!fault) {
      this.latenciesMs.push(answeredAt - dueAt);
      return;
    }
    this.failuresByKind[fault.kind] = (this.failuresByKind[fault.kind] ?? 0) + 1;
    this.failures.push({
      kind: fault.kind,
      request: spec.name,
      atMs: this.elapsedMs(),
      afterMs: answeredAt - sentAt,
      reusedConnection,
      localPort,
      detail: fault.detail,
    });
  }
}
