import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type TLSSocket } from 'node:tls';
import { type Held } from '../../in-flight/lease.js';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { type Clock } from '../../sequence/clock.js';
import { type Drainable, type Leftover } from '../../sequence/drainable.js';
import { type Traffic } from '../../sequence/traffic.js';
import { type ArrivalObserver } from '../arrival-observer.js';
import { connectionOf } from './connection.js';
import { ConnectionTable } from './connection-table.js';
import { displace, type Listener } from '../shared/displace.js';
import { exchangeOf } from '../exchange/exchange.js';
import { Http1Exchange } from './http1-exchange.js';
import { type LateRequests } from '../../refusal/late-requests.js';
import { closeListener, cutListener } from '../shared/listener.js';
import { type HealthRoutes } from '../exchange/route.js';
import { closeAtOnce, willCloseInStages } from '../../refusal/staged-close.js';
import { nextPoll } from '../shared/turns.js';

/** What an HTTP server needs around it. */
export interface HttpServerContext {
  readonly clock: Clock;
  readonly tracker: InFlightTracker;
  readonly traffic: Traffic;
  /** Hears of what arrives while one runs. */
  readonly rehearsal: Pick<ArrivalObserver, 'requestArrived' | 'probeAnswered'>;
  readonly healthRoutes: HealthRoutes;
  readonly lateRequests: LateRequests;
  /** Closes the listener when draining begins, instead of answering late requests on new connections. */
  readonly closesListenerFirst: boolean;
  /** Reports whether a late request goes on with something that began in time, and is served: a poll of a socket.io client. */
  continues(request: IncomingMessage): boolean;
  /** Reports whether a request is refused from the announcement on, in time though it is: a WebSocket handshake, where the options say so. */
  declines(request: IncomingMessage): boolean;
  /** A request has arrived, and nothing of its response is out: one for a stream of events is ended when draining begins. */
  arrived(request: IncomingMessage, response: ServerResponse): void;
  lateRequestRefused(): void;
}

/**
 * One `http.Server` or `https.Server`.
 *
 * Nothing of `server.close()` or `closeIdleConnections()` is used: both cut answers that were ended but not yet flushed, leave busy keep-alive
 * sockets open for ever, and never close a silent one. The listener is closed alone, and sockets by a table of our own.
 *
 * Not covered: a request written after the close of its idle connection, or between its last poll and the close. HTTP/1.1 cannot.
 *
 * @internal
 */
export class HttpServerDrainable implements Drainable {
  private readonly connections: ConnectionTable;
  private stage: 'serving' | 'rehearsing' | 'announced' | 'refusing' = 'serving';
  private announcedAt = Infinity;
  private readonly upgradeClosed: (this: Socket) => void;
  /** The framework's request listeners, while ours stands in for them. */
  private framework: Listener[] = [];

  constructor(
    readonly name: string,
    private readonly server: Server,
    private readonly context: HttpServerContext,
  ) {
    this.connections = new ConnectionTable(context.clock);
    this.upgradeClosed = this.upgradeClosedFor(context.tracker);
    if ('setSecureContext' in server) {
      server.on('connection', (socket: Socket) => this.connections.addHandshake(socket));
      server.on('secureConnection', (socket: TLSSocket) => {
        if (socket.alpnProtocol === 'h2') this.connections.leaveAlone(socket);
        else this.connections.add(socket);
      });
    } else {
      server.on('connection', (socket: Socket) => this.connections.add(socket));
    }
    server.prependListener('request', this.count);
    server.on('removeListener', this.countAgain);
    this.watchUpgrades('upgrade');
    this.watchUpgrades('connect');
  }

  announce(): void {
    this.stage = 'announced';
    this.announcedAt = this.context.clock.now();
    this.standIn();
    this.declineUpgrades();
    this.tellAll();
  }

  /** Tells clients to leave, as `announce()` does, until the returned function is called: then nothing of it is left. */
  rehearse(): () => void {
    this.stage = 'rehearsing';
    this.announcedAt = this.context.clock.now();
    const standDown = this.standIn();
    this.tellAll();
    return () => {
      this.stage = 'serving';
      this.announcedAt = Infinity;
      standDown();
      for (const connection of this.connections) {
        connection.lastExchange?.takeBack();
        connection.isTold = false;
        if (!connection.saidClose && !connection.lastExchange?.saidClose) closeAtOnce(connection.socket);
      }
    };
  }

  async drain(deadline: AbortSignal): Promise<void> {
    await this.refuse();
    await this.connections.owedEnd(deadline);
  }

  async close(deadline: AbortSignal): Promise<void> {
    await closeListener(this.server, deadline);
    await this.connections.allClose(deadline);
  }

  async forceClose(): Promise<readonly Leftover[]> {
    cutListener(this.server);
    return this.connections.destroyAll(this.name);
  }

  private async refuse(): Promise<void> {
    // One more poll: what the kernel already holds arrived in time.
    await nextPoll();
    this.stage = 'refusing';
    // server.close(), whoever calls it in mid-drain, must not cut through our table.
    this.server.closeIdleConnections = () => undefined;
    this.refuseContinue();
    this.refuseUpgrades('upgrade');
    this.refuseUpgrades('connect');
    this.connections.closeAsTheyRest();
    if (this.context.closesListenerFirst) await closeListener(this.server);
  }

  /** Counts a request, wherever it goes from here: routed or not. */
  private readonly count = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.httpVersionMajor > 1 || exchangeOf(request)) return;
    const { clock, tracker, traffic } = this.context;
    const connection = this.connections.of(request.socket);
    const now = clock.now();
    if (this.stage !== 'serving' && (connection.saidClose || connection.lastExchange?.saidClose)) {
      return; // Behind a close that is out: its client knows that it is not executed.
    }
    if (this.stage === 'serving' || this.stage === 'rehearsing') traffic.arrived(now);
    const exchange = new Http1Exchange(request, response, connection, now, tracker, this.refuseExchange);
    if (this.stage !== 'serving') this.judge(exchange);
    connection.began(exchange);
    this.context.arrived(request, response);
    if (!exchange.isLate) tracker.add(exchange);
    response.on('close', endResponse);
  };

  /** engine.io takes all request listeners off, and calls those it knows for the requests it does not want: ours sees them all. */
  private readonly countAgain = (event: string | symbol, listener: unknown): void => {
    if (event === 'request' && listener === this.count) this.server.prependListener('request', this.count);
  };

  /** Decides, by its arrival, what becomes of a request once the shutdown has begun. */
  private judge(exchange: Http1Exchange): void {
    const { connection } = exchange;
    const isNew = connection.openedAt >= this.announcedAt;
    exchange.isLate = this.stage === 'refusing' && !connection.passesNext && !this.context.continues(exchange.request);
    connection.passesNext = false;
    if (this.stage === 'rehearsing') this.rehearseWith(exchange);
    else if ((isNew || !connection.isTold) && !this.couldBeHealth(exchange.request)) {
      this.context.traffic.arrivedUnready(isNew);
    }
    connection.lastExchange?.takeBack();
    if (exchange.tellToLeave()) willCloseInStages(connection.socket, this.context.clock);
  }

  /** Has the rehearsal hear of a request, or, of one that could be a probe, of its answer. */
  private rehearseWith(exchange: Http1Exchange): void {
    const { request, response, connection } = exchange;
    const { rehearsal } = this.context;
    if (!this.couldBeHealth(request)) return rehearsal.requestArrived(connection.openedAt);
    response.once('close', () => {
      if (response.statusCode >= 400) rehearsal.probeAnswered(exchange.name, request.headers['user-agent']);
    });
  }

  private tellAll(): void {
    for (const { lastExchange, socket } of this.connections) {
      if (lastExchange?.tellToLeave()) willCloseInStages(socket, this.context.clock);
    }
  }

  /**
   * Stands in for the framework: a prepended listener that answers would not keep Express from answering too.
   *
   * @returns what puts the framework back in its place; where somebody has taken ours over meanwhile, it stays behind him
   */
  private standIn(): () => void {
    const framework = displace(this.server, 'request', this.count);
    const decide = (request: IncomingMessage, response: ServerResponse) => this.decide(framework, request, response);
    this.framework = framework;
    this.server.on('request', decide);
    return () => {
      if (!this.server.listeners('request').includes(decide)) return;
      this.server.off('request', decide);
      for (const listener of framework) this.server.on('request', listener);
    };
  }

  private decide(framework: readonly Listener[], request: IncomingMessage, response: ServerResponse): void {
    const exchange = http1ExchangeOf(request);
    const isDeclined = this.stage !== 'rehearsing' && exchange && this.context.declines(request);
    if (!exchange) {
      if (request.httpVersionMajor > 1) this.forward(framework, request, response);
    } else if ((exchange.isLate && !this.couldBeHealth(request)) || isDeclined) {
      this.refuseExchange(exchange);
    } else {
      this.forward(framework, request, response);
    }
  }

  private forward(framework: readonly Listener[], request: IncomingMessage, response: ServerResponse): void {
    for (const listener of framework) listener.call(this.server, request, response);
  }

  private couldBeHealth(request: IncomingMessage): boolean {
    return this.context.healthRoutes.couldMatch(request.method, request.url);
  }

  private readonly refuseExchange = (exchange: Http1Exchange, isBodyHeldBack = false): void => {
    this.context.lateRequestRefused();
    this.context.lateRequests.refuse(exchange, isBodyHeldBack);
  };

  /** Answers `Expect: 100-continue` without the 100, which Node would otherwise send by itself. */
  private refuseContinue(): void {
    const theirs = displace(this.server, 'checkContinue');
    this.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      this.count(request, response);
      const exchange = http1ExchangeOf(request);
      if (!exchange) return;
      if (exchange.isLate && !this.couldBeHealth(request)) return this.refuseExchange(exchange, true);
      if (theirs.length > 0) return theirs.forEach((listener) => listener.call(this.server, request, response));
      response.writeContinue();
      this.forward(this.framework, request, response);
    });
  }

  /** Counts upgraded sockets, once somebody listens for them: to be the first to listen would change what Node does. */
  private watchUpgrades(event: 'upgrade' | 'connect'): void {
    const { server } = this;
    if (server.listenerCount(event) > 0) {
      server.prependListener(event, this.countUpgrade);
      return;
    }
    const watch = (added: string | symbol) => {
      if (added !== event) return;
      server.off('newListener', watch);
      server.prependListener(event, this.countUpgrade);
    };
    server.on('newListener', watch);
  }

  /** An upgraded socket has left the parser: it is work until it closes. */
  private readonly countUpgrade = (request: IncomingMessage, socket: Socket): void => {
    const connection = this.connections.of(socket);
    if (this.stage === 'refusing' || connection.isUpgraded) return;
    connection.isUpgraded = true;
    const { tracker, clock } = this.context;
    const name = request.headers.upgrade ?? request.method ?? '';
    const lease: Held = { kind: 'upgrade', name, startedAt: clock.now() };
    connection.upgrade = lease;
    tracker.add(lease);
    socket.on('close', this.upgradeClosed);
  };

  /** Refuses what is declined, and leaves all other upgrades to those who listen for them. */
  private declineUpgrades(): void {
    const theirs = displace(this.server, 'upgrade');
    if (theirs.length === 0) return;
    this.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      if (this.context.declines(request)) return this.refuseUpgrade(socket);
      for (const listener of theirs) listener.call(this.server, request, socket, head);
    });
  }

  /** One listener for all sockets: there may be thousands, and most are somebody else's from the next turn on. */
  private upgradeClosedFor(tracker: InFlightTracker): (this: Socket) => void {
    return function () {
      const upgrade = connectionOf(this)?.upgrade;
      if (upgrade) tracker.remove(upgrade);
    };
  }

  private refuseUpgrade(socket: Socket): void {
    this.context.lateRequestRefused();
    this.context.lateRequests.refuseUpgrade(socket);
  }

  private refuseUpgrades(event: 'upgrade' | 'connect'): void {
    if (displace(this.server, event).length === 0) return;
    this.server.on(event, (_request: IncomingMessage, socket: Socket) => this.refuseUpgrade(socket));
  }
}

function http1ExchangeOf(request: IncomingMessage): Http1Exchange | undefined {
  const exchange = exchangeOf(request);
  return exchange instanceof Http1Exchange ? exchange : undefined;
}

/** One listener for all responses. */
function endResponse(this: ServerResponse): void {
  exchangeOf(this.req)?.endResponse();
}
