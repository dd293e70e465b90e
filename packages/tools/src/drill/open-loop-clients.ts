import { setMaxListeners } from 'node:events';
import { Agent } from 'node:http';
import { exchange, type Fault, type RequestSpec } from './exchange.js';
import { RequestMix } from './request-mix.js';
import { checkDurationMs, sleep } from './timing.js';

export interface OpenLoopOptions {
  /** Origin the requests go to, for instance `http://127.0.0.1:8080`; plain HTTP. */
  readonly url: string;
  /** Requests a second. When each is due is fixed before the first is sent, and no answer changes it. */
  readonly ratePerSecond: number;
  readonly mix: readonly RequestSpec[];
  /** A request that has no whole answer this long after it was sent has failed. @default 10_000 */
  readonly timeoutMs?: number;
  /** How many connections are kept and take turns. @default half the rate, between 2 and 40 */
  readonly connections?: number;
  /**
   * How many there may be at most: a request that finds none free opens another. At the bound it waits, and is charged.
   * @default 2_048
   */
  readonly maxConnections?: number;
  /**
   * Which share of the requests, 0 to 1, has a connection of its own, as those of clients without keep-alive have.
   * @default 0.1
   */
  readonly freshShare?: number;
  /** Ends after this many requests. @default none, ends with `stop()` */
  readonly count?: number;
  /** Called once for each request. */
  readonly onOutcome?: (outcome: RequestOutcome) => void;
}

/** Instants are `performance.now()`. */
export interface RequestOutcome {
  readonly dueAt: number;
  readonly sentAt: number;
  readonly endedAt: number;
  /** An index into the mix. */
  readonly request: number;
  /** Missing when the answer was whole and right. */
  readonly fault?: Fault;
  readonly reusedConnection: boolean;
  readonly localPort?: number;
}

/**
 * How far the traffic has come.
 *
 * @publicApi
 */
export interface OpenLoopCounts {
  /** Requests that have an outcome. */
  readonly requests: number;
  /** Those that failed. */
  readonly failed: number;
  /** Requests that were due and have no outcome yet. */
  readonly underWay: number;
}

/** A request that was due. */
interface Due {
  readonly dueAt: number;
  readonly request: number;
  readonly fresh: boolean;
}

/** Spreads the fresh ones evenly, whatever the period of the mix is. */
const goldenRatio = (Math.sqrt(5) - 1) / 2;

/**
 * Clients that ask at a fixed rate, however the service fares (an open loop): while it stalls, requests go on being
 * due, and each is charged from when it was due, also when it could be sent only later. Otherwise one stall would hide
 * the requests it has kept from being sent ("coordinated omission").
 *
 * Every request is sent once and held to the same as one of `StrictClients`.
 */
export class OpenLoopClients {
  private readonly mix: RequestMix<RequestSpec & { readonly index: number }>;
  private readonly timeoutMs: number;
  private readonly connections: number;
  private readonly maxConnections: number;
  private readonly freshShare: number;
  private readonly stopping = new AbortController();
  private readonly cancelling = new AbortController();
  private readonly agents = new Set<Agent>();
  /** The one that has been idle longest is first. */
  private readonly free: Agent[] = [];
  private readonly waiting: Due[] = [];
  private freshUnderWay = 0;
  private due = 0;
  private requests = 0;
  private failed = 0;
  private becameIdle?: () => void;
  private begun?: number;
  private finished?: Promise<OpenLoopCounts>;

  /** Throws a `RangeError` for an option that is out of range. */
  constructor(private readonly options: OpenLoopOptions) {
    const { ratePerSecond, connections, maxConnections = 2_048, freshShare = 0.1 } = options;
    if (!(ratePerSecond > 0)) throw new RangeError(`ratePerSecond must be greater than 0, got ${ratePerSecond}.`);
    if (!(freshShare >= 0 && freshShare <= 1)) throw new RangeError(`freshShare must be 0 to 1, got ${freshShare}.`);
    this.timeoutMs = checkDurationMs('timeoutMs', options.timeoutMs ?? 10_000, 1);
    this.connections = connections ?? Math.min(40, Math.max(2, Math.ceil(ratePerSecond / 2)));
    this.maxConnections = Math.max(this.connections, maxConnections);
    if (!(this.connections >= 1)) throw new RangeError(`connections must be at least 1, got ${connections}.`);
    this.freshShare = freshShare;
    this.mix = new RequestMix(options.mix.map((spec, index) => ({ ...spec, index })));
    setMaxListeners(0, this.stopping.signal, this.cancelling.signal);
  }

  /** When the first request was due: `performance.now()`. */
  get begunAt(): number | undefined {
    return this.begun;
  }

  /**
   * Begins, and resolves when all that were due have their outcome. Never rejects; the same promise on a second call.
   */
  run(): Promise<OpenLoopCounts> {
    return (this.finished ??= this.runAll());
  }

  /** Makes no further request due, and resolves when those that were have their outcome. */
  stop(): Promise<OpenLoopCounts> {
    this.stopping.abort();
    return this.run();
  }

  /** Ends what is under way, too. */
  cancel(): Promise<OpenLoopCounts> {
    this.cancelling.abort();
    return this.stop();
  }

  counts(): OpenLoopCounts {
    return { requests: this.requests, failed: this.failed, underWay: this.due - this.requests };
  }

  private async runAll(): Promise<OpenLoopCounts> {
    const { count = Infinity, ratePerSecond } = this.options;
    const { signal } = this.stopping;
    this.begun = performance.now();
    for (let turn = 0; turn < count; turn++) {
      const dueAt = this.begun + (turn * 1_000) / ratePerSecond;
      // A timer may fire up to a millisecond early.
      for (let earlyMs; (earlyMs = dueAt - performance.now()) > 0 && !signal.aborted;) {
        await sleep(Math.ceil(earlyMs), signal);
      }
      if (signal.aborted) break;
      this.due++;
      this.begin({ dueAt, request: this.mix.next().index, fresh: (turn * goldenRatio) % 1 < this.freshShare });
    }
    if (this.requests < this.due) await new Promise<void>((resolve) => (this.becameIdle = resolve));
    for (const agent of this.agents) agent.destroy();
    return this.counts();
  }

  private begin(due: Due): void {
    const agent = due.fresh ? this.freshOne() : this.keptOne();
    if (agent === undefined) this.waiting.push(due);
    else void this.ask(due, agent);
  }

  private freshOne(): false | undefined {
    if (this.agents.size + this.freshUnderWay >= this.maxConnections) return undefined;
    this.freshUnderWay++;
    return false;
  }

  private keptOne(): Agent | undefined {
    if (this.agents.size < this.connections) return this.anotherAgent();
    const idle = this.free.shift();
    if (idle) return idle;
    return this.agents.size + this.freshUnderWay < this.maxConnections ? this.anotherAgent() : undefined;
  }

  /** An agent holds one connection, and opens a new one when the server has closed it or asked to. */
  private anotherAgent(): Agent {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.agents.add(agent);
    return agent;
  }

  private async ask({ dueAt, request }: Due, agent: Agent | false): Promise<void> {
    const sentAt = performance.now();
    const { fault, reusedConnection, localPort } = await exchange(this.options.mix[request]!, {
      agent,
      url: this.options.url,
      timeoutMs: this.timeoutMs,
      signal: this.cancelling.signal,
    });
    this.requests++;
    if (fault) this.failed++;
    const endedAt = performance.now();
    this.options.onOutcome?.({ dueAt, sentAt, endedAt, request, fault, reusedConnection, localPort });
    if (agent) this.free.push(agent);
    else this.freshUnderWay--;
    const next = this.waiting.shift();
    if (next) this.begin(next);
    if (this.stopping.signal.aborted || this.due === this.options.count) this.settleIfIdle();
  }

  private settleIfIdle(): void {
    if (this.requests === this.due) this.becameIdle?.();
  }
}
