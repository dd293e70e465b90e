import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type Admission, type Stage, type Verdict } from '../../admission/admission.js';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { type Refusals } from '../../refusal/refusals.js';
import { willCloseInStages } from '../../refusal/staged-close.js';
import { type Clock } from '../../sequence/clock.js';
import { type Traffic } from '../../sequence/traffic.js';
import { exchangeOn } from '../exchange/exchange.js';
import { type ArrivalObserver } from '../shared/arrival-observer.js';
import { StandIn } from '../shared/stand-in.js';
import { type Connection, connectionOf } from './connection.js';
import { type ConnectionTable } from './connection-table.js';
import { Http1Exchange, type Http1Refuser } from './http1-exchange.js';

/** What the gate of an HTTP server needs around it. */
export interface Http1GateContext {
  readonly clock: Clock;
  readonly tracker: InFlightTracker;
  readonly traffic: Traffic;
  readonly rehearsal: ArrivalObserver;
  readonly admission: Admission;
  readonly refusals: Refusals;
  /** Others accept from the same socket, or will: an upgrade, too, is served on a connection that came in time. */
  isHandingOver(): boolean;
}

/**
 * Every request, and every upgrade, of one HTTP/1.1 server comes through here: it is counted, judged by its arrival,
 * and let through to the application or not.
 */
export class Http1Gate implements Http1Refuser {
  private stage: Stage = 'serving';
  private announcedAt = Infinity;
  private readonly upgradeClosed: (this: Socket) => void;

  constructor(
    private readonly server: Server,
    private readonly connections: ConnectionTable,
    private readonly context: Http1GateContext,
  ) {
    const { tracker } = context;
    // One listener for all sockets: there may be thousands, and most are somebody else's from the next turn on.
    this.upgradeClosed = function () {
      const upgrade = connectionOf(this)?.upgrade;
      if (upgrade) tracker.remove(upgrade);
    };
    const gate = new StandIn(server)
      .before('request', (request: IncomingMessage, response: ServerResponse) => this.meet(request, response, false))
      .before('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
        this.meet(request, response, true),
      )
      .before('upgrade', this.upgrade)
      .before('connect', this.upgrade);
    if ('setSecureContext' in server) {
      gate.before('connection', (socket: Socket) => connections.addHandshake(socket));
      gate.before('secureConnection', (socket: Socket & { readonly alpnProtocol?: unknown }) => {
        if (socket.alpnProtocol === 'h2') connections.leaveAlone(socket);
        else connections.add(socket);
      });
    } else {
      gate.before('connection', (socket: Socket) => void connections.add(socket));
    }
  }

  get hasAnnounced(): boolean {
    return this.stage === 'announced' || this.stage === 'refusing';
  }

  /** From here on clients are told to leave, each in the head of the last response on its connection. */
  tellToLeave(stage: 'rehearsing' | 'announced'): void {
    this.stage = stage;
    this.announcedAt = this.context.clock.now();
    for (const connection of this.connections) {
      for (const exchange of connection.exchanges()) exchange.tellToLeave(this.isTelling, this.told);
    }
  }

  /** Clients are no longer told to leave. */
  retract(): void {
    this.stage = 'serving';
    this.announcedAt = Infinity;
    for (const connection of this.connections) connection.isTold = false;
  }

  /** From here on what arrives is late. */
  refuseNew(): void {
    this.stage = 'refusing';
    // Node answers `Expect: 100-continue` with the 100 by itself, unless somebody listens.
    this.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      if (this.server.listenerCount('checkContinue') > 1) return;
      response.writeContinue();
      this.server.emit('request', request, response);
    });
  }

  refuse(exchange: Http1Exchange): void {
    this.context.refusals.refuse(exchange, false);
  }

  /**
   * Counts a request, wherever it goes from here, routed or not. Returns true when the application is not to hear of
   * it.
   *
   * @param isBodyHeldBack whether its client waits for a 100 before it sends the body
   */
  private meet(request: IncomingMessage, response: ServerResponse, isBodyHeldBack: boolean): boolean {
    if (request.httpVersionMajor > 1 || exchangeOn(request)) return false;
    const { context } = this;
    const { socket } = request;
    const connection = connectionOf(socket) ?? this.connections.add(socket);
    const verdict = this.stage === 'serving' ? 'serve' : this.judge(request, connection, false);
    if (verdict === 'behind-a-close') return true;
    const exchange = new Http1Exchange(request, response, connection, context.clock.now(), context.tracker, this);
    exchange.verdict = verdict;
    if (this.stage !== 'serving') this.meetLeaving(exchange);
    else context.traffic.arrived(exchange.startedAt);
    connection.began(exchange);
    context.admission.arrived(request, response);
    if (!exchange.isLate) context.tracker.add(exchange);
    response.on('close', endResponse);
    if (verdict !== 'late' && verdict !== 'declined') return false;
    context.refusals.refuse(exchange, isBodyHeldBack);
    return true;
  }

  private judge(request: IncomingMessage, connection: Connection, isUpgrade: boolean): Verdict {
    const isInTime = connection.passesNext;
    connection.passesNext = false;
    const { stage, context } = this;
    return context.admission.judge({
      request,
      stage,
      isBehindClose: connection.isLeaving,
      isInTime,
      isUpgrade: isUpgrade && !context.isHandingOver(),
    });
  }

  /** A request has come once clients are being told to leave. */
  private meetLeaving(exchange: Http1Exchange): void {
    const { connection, request } = exchange;
    const { traffic, admission } = this.context;
    const isTraffic = !admission.couldBeExempt(request);
    if (this.stage === 'rehearsing') {
      traffic.arrived(exchange.startedAt);
      this.rehearse(exchange, isTraffic);
    } else {
      const isNew = connection.openedAt >= this.announcedAt;
      if (isTraffic && (isNew || !connection.isTold)) exchange.uncount = traffic.arrivedUnready(isNew);
    }
    exchange.tellToLeave(this.isTelling, this.told);
  }

  /** Has the rehearsal hear of a request, or, of one that could be a probe, of its answer. */
  private rehearse(exchange: Http1Exchange, isTraffic: boolean): void {
    const { request, response, connection } = exchange;
    const { rehearsal } = this.context;
    if (isTraffic) return rehearsal.requestArrived(connection.openedAt);
    response.once('close', () => {
      if (response.statusCode >= 400) rehearsal.probeAnswered(exchange.name, request.headers['user-agent']);
    });
  }

  private readonly isTelling = (): boolean => this.stage !== 'serving';

  private readonly told = ({ socket }: Connection): void => willCloseInStages(socket, this.context.clock);

  /** An upgraded socket has left the parser: it is work until it closes. Returns true when nobody is to hear of it. */
  private readonly upgrade = (request: IncomingMessage, socket: Socket): boolean => {
    const connection = connectionOf(socket) ?? this.connections.add(socket);
    const verdict = this.stage === 'serving' ? 'serve' : this.judge(request, connection, true);
    if (verdict === 'behind-a-close') return true;
    if (verdict !== 'serve') {
      this.context.refusals.refuseUpgrade(socket);
      return true;
    }
    if (connection.isUpgraded) return false;
    const { tracker, clock } = this.context;
    const name = request.headers.upgrade ?? request.method ?? '';
    const lease = { kind: 'upgrade', name, startedAt: clock.now() };
    connection.upgraded(lease);
    tracker.add(lease);
    socket.on('close', this.upgradeClosed);
    return false;
  };
}

/** One listener for all responses. */
function endResponse(this: ServerResponse): void {
  exchangeOn(this.req)?.endResponse();
}
