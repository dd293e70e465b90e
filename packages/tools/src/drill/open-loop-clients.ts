import { setMaxListeners } from 'node:events';
import {
  type Client,
  type ClientOf,
  type Connection,
  type Exchange,
  type Fault,
  type Sending,
} from './clients/client.js';
import { type RequestOutcome, type Traffic, type TrafficEars, type OpenLoopCounts } from './clients/traffic.js';
import { RequestMix } from './request-mix.js';
import { catchUp, sleep } from './timing.js';

export { type OpenLoopCounts, type RequestOutcome } from './clients/traffic.js';

export interface OpenLoopOptions extends TrafficEars {
  /** Who sends the requests, and knows their right answers. */
  readonly client: ClientOf;
  /** Requests a second. When each is due is fixed before the first is sent, and no answer changes it. */
  readonly ratePerSecond: number;
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
}

/** A request that was due. */
interface Due {
  readonly number: number;
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
 * Every request is held to the same as one of `StrictClients`. It is sent once; what was refused unseen, as its
 * protocol says, is sent once more, on a connection of its own, as real clients do.
 */
export class OpenLoopClients implements Traffic {
  private readonly client: Client;
  private readonly mix: RequestMix<{ readonly weight?: number; readonly index: number }>;
  private readonly connections: number;
  private readonly maxConnections: number;
  private readonly freshShare: number;
  private readonly stopping = new AbortController();
  private readonly cancelling = new AbortController();
  private readonly kept = new Set<Connection>();
  /** The one that was used longest ago is first. */
  private readonly free: Connection[] = [];
  private readonly waiting: Due[] = [];
  private freshUnderWay = 0;
  private tries = 0;
  private due = 0;
  private requests = 0;
  /** By number. */
  private readonly failed = new Set<number>();
  private becameIdle?: () => void;
  private begun?: number;
  private finished?: Promise<OpenLoopCounts>;

  /** Throws a `RangeError` for an option that is out of range. */
  constructor(private readonly options: OpenLoopOptions) {
    const { ratePerSecond, connections, maxConnections = 2_048, freshShare = 0.1 } = options;
    if (!(ratePerSecond > 0)) throw new RangeError(`ratePerSecond must be greater than 0, got ${ratePerSecond}.`);
    if (!(freshShare >= 0 && freshShare <= 1)) throw new RangeError(`freshShare must be 0 to 1, got ${freshShare}.`);
    this.connections = connections ?? Math.min(40, Math.max(2, Math.ceil(ratePerSecond / 2)));
    this.maxConnections = Math.max(this.connections, maxConnections);
    if (!(this.connections >= 1)) throw new RangeError(`connections must be at least 1, got ${connections}.`);
    this.freshShare = freshShare;
    this.client = options.client({
      late: (number, fault) => this.late(number, fault),
      besides: (request, fault, localPort) => this.besides(request, fault, localPort),
    });
    this.mix = new RequestMix(this.client.requests.map(({ weight }, index) => ({ weight, index })));
    setMaxListeners(0, this.stopping.signal, this.cancelling.signal);
  }

  /** When the first request was due: `performance.now()`. */
  get begunAt(): number | undefined {
    return this.begun;
  }

  /**
   * Begins, and resolves when all that were due have their outcome. Rejects, with a `BadInputError`, only when the
   * client cannot tell what became of them. The same promise on a second call.
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

  /** Sends one request that is not counted, on a connection of its own. */
  async try(request: number): Promise<Fault | undefined> {
    return (await this.sendAlone({ number: -++this.tries, request, signal: this.cancelling.signal })).fault;
  }

  counts(): OpenLoopCounts {
    return { requests: this.requests, failed: this.failed.size, underWay: this.due - this.requests };
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
        // A FIN that came while this process stood still is read, and its connection not used.
        await catchUp();
      }
      if (signal.aborted) break;
      const fresh = (turn * goldenRatio) % 1 < this.freshShare;
      this.begin({ number: this.due++, dueAt, request: this.mix.next().index, fresh });
    }
    if (this.requests < this.due) await new Promise<void>((resolve) => (this.becameIdle = resolve));
    await this.end();
    return this.counts();
  }

  private async end(): Promise<void> {
    try {
      if (!this.cancelling.signal.aborted) await this.client.settle?.(this.cancelling.signal);
    } finally {
      for (const connection of this.kept) connection.close();
      await this.client.close?.();
    }
  }

  private begin(due: Due): void {
    const connection = due.fresh ? this.freshOne() : this.keptOne();
    if (connection === undefined) this.waiting.push(due);
    else void this.ask(due, connection);
  }

  private freshOne(): Connection | undefined {
    if (this.kept.size + this.freshUnderWay >= this.maxConnections) return undefined;
    this.freshUnderWay++;
    return this.client.connect(true);
  }

  private keptOne(): Connection | undefined {
    if (this.kept.size < this.connections) return this.anotherOne();
    const free = this.free.shift();
    if (free) return free;
    return this.kept.size + this.freshUnderWay < this.maxConnections ? this.anotherOne() : undefined;
  }

  private anotherOne(): Connection {
    const connection = this.client.connect(false);
    this.kept.add(connection);
    return connection;
  }

  private async ask({ number, dueAt, request, fresh }: Due, connection: Connection): Promise<void> {
    const sentAt = performance.now();
    const sending = { number, request, signal: this.cancelling.signal };
    const answered = connection.send(sending);
    const { isShared } = this.client;
    if (!fresh && isShared) this.free.push(connection);
    const first = await answered;
    const isRepeated = first.fault?.isUnseen === true;
    const exchange = isRepeated ? await this.sendAlone(sending) : first;
    this.record({ ...exchange, number, dueAt, sentAt, endedAt: performance.now(), request, isRepeated });
    if (fresh) {
      this.freshUnderWay--;
      connection.close();
    } else if (!isShared) this.free.push(connection);
    const next = this.waiting.shift();
    if (next) this.begin(next);
    this.tellIfIdle();
  }

  private async sendAlone(sending: Sending): Promise<Exchange> {
    const connection = this.client.connect(true);
    const exchange = await connection.send(sending);
    connection.close();
    return exchange;
  }

  private record(outcome: RequestOutcome): void {
    this.requests++;
    if (outcome.fault) this.failed.add(outcome.number);
    this.options.onOutcome?.(outcome);
  }

  private late(number: number, fault: Fault): void {
    if (this.failed.has(number)) return;
    this.failed.add(number);
    this.options.onLateFault?.(number, fault);
  }

  private besides(request: number, fault: Fault, localPort?: number): void {
    const at = performance.now();
    const number = this.due++;
    this.record({ number, dueAt: at, sentAt: at, endedAt: at, request, fault, reusedConnection: true, localPort });
  }

  private tellIfIdle(): void {
    if (this.requests === this.due) this.becameIdle?.();
  }
}
