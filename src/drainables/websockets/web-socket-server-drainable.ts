import { type Socket } from 'node:net';
import { type Clock, nextPoll } from '../../sequence/clock.js';
import { type Drainable, type Leftover } from '../../sequence/drainable.js';
import { Progress } from '../shared/progress.js';
import { Spread } from '../shared/spread.js';
import { type ClientWorks } from './client-work.js';
import { Departure, type DepartureContext } from './departure.js';
import { type SocketServer } from './socket-server.js';
import { type ResolvedWebSocketOptions } from './web-socket-options.js';

/** What a server of WebSockets needs around it. */
export interface WebSocketServerContext {
  readonly clock: Clock;
  readonly works: ClientWorks;
  readonly options: ResolvedWebSocketOptions;
  /** The instant at which a socket was opened, if a server of ours holds it. */
  openedAt(socket: Socket): number | undefined;
  /** @default Math.random */
  readonly random?: () => number;
}

/** Clients told to leave between two polls of the event loop. */
const toldPerTurn = 64;

/**
 * One server of WebSockets and its clients, told to leave one by one: spread over the lame duck, or `spreadMs`, and all
 * at once, as soon as draining begins, where there is neither.
 *
 * Handshakes are refused by the HTTP server under it.
 *
 * @internal
 */
export class WebSocketServerDrainable<C extends object> implements Drainable {
  private stage: 'serving' | 'announced' | 'refusing' = 'serving';
  /** Those that have been told to leave and are still there. */
  private readonly departures = new Map<C, Departure<C>>();
  private readonly spread: Spread<C>;
  private readonly context: DepartureContext<C>;
  private leftovers: Leftover[] = [];
  private readonly progress = new Progress();

  constructor(
    readonly name: string,
    private readonly server: SocketServer<C>,
    private readonly around: WebSocketServerContext,
  ) {
    const { clock, works, options } = around;
    this.spread = new Spread<C>(
      clock,
      (client) => {
        this.tell(client);
        this.progress.made();
      },
      around.random,
    );
    this.context = {
      server,
      works,
      clock,
      farewell: { code: options.closeCode, reason: options.closeReason },
      closeTimeoutMs: options.closeTimeoutMs,
      departed: ({ client }) => {
        this.departures.delete(client);
        this.progress.made();
      },
      overstayed: (departure) =>
        this.leaveBehind(
          departure,
          `had not taken what was sent to it, and closed, after ${options.closeTimeoutMs} ms`,
        ),
    };
    server.onConnection((client) => this.connected(client));
  }

  announce(spreadMs: number): void {
    this.stage = 'announced';
    const spanMs = this.around.options.spreadMs ?? spreadMs;
    if (spanMs > 0) this.spread.over(spanMs, this.server.clients());
  }

  /** @returns the clients that did not go by themselves */
  async drain(deadline: AbortSignal): Promise<readonly Leftover[]> {
    await this.refuseNew();
    await this.progress.until(() => this.isEmpty, deadline);
    // At the deadline forceClose() names them.
    return deadline.aborted ? [] : this.takeLeftovers();
  }

  async forceClose(): Promise<readonly Leftover[]> {
    this.spread.stop();
    for (const client of this.server.clients()) {
      if (!this.departures.has(client)) this.departures.set(client, new Departure(client, this.context));
    }
    for (const departure of this.departures.values()) {
      this.leaveBehind(departure, 'was still connected');
      departure.cut();
    }
    return this.takeLeftovers();
  }

  private async refuseNew(): Promise<void> {
    this.stage = 'refusing';
    for (const departure of this.departures.values()) departure.hurry();
    const isAskedFor = this.around.options.spreadMs !== undefined;
    if (this.spread.size > 0 && (isAskedFor || this.spread.isOver)) return;
    this.spread.stop();
    await this.tellAll();
  }

  /** A client that came in a handshake that had begun in time. */
  private connected(client: C): void {
    if (this.stage === 'announced') this.spread.add(client);
    else if (this.stage === 'refusing' && !this.spread.add(client)) this.tell(client);
  }

  private async tellAll(): Promise<void> {
    let told = 0;
    for (const client of [...this.server.clients()]) {
      this.tell(client);
      if (++told % toldPerTurn === 0) await nextPoll();
    }
  }

  private tell(client: C): void {
    if (this.departures.has(client) || this.server.isGone(client)) return;
    const departure = new Departure(client, this.context);
    this.departures.set(client, departure);
    if (this.stage === 'refusing') departure.hurry();
    departure.start();
  }

  private leaveBehind(departure: Departure<C>, detail: string): void {
    const { client, startedAt } = departure;
    this.departures.delete(client);
    const socket = this.server.socketOf(client);
    const openedAt = (socket && this.around.openedAt(socket)) ?? startedAt;
    const ageMs = Math.round(this.around.clock.now() - openedAt);
    this.leftovers.push({ kind: 'websocket', name: this.name, ageMs, detail });
  }

  private takeLeftovers(): readonly Leftover[] {
    return this.leftovers.splice(0);
  }

  private get isEmpty(): boolean {
    return this.departures.size === 0 && this.server.clientCount === 0;
  }
}
