import {
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type Server as NetServer, type Socket } from 'node:net';
import { type Admission, type Stage } from '../../admission/admission.js';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { type Refusals } from '../../refusal/refusals.js';
import { type Clock, type ClockTimer, nextPoll } from '../../sequence/clock.js';
import { type Drainable, type Leftover } from '../../sequence/drainable.js';
import { type Traffic } from '../../sequence/traffic.js';
import { Handshakes } from '../shared/handshakes.js';
import { closeListener, cutListener } from '../shared/listener.js';
import { Progress } from '../shared/progress.js';
import { type ArrivalObserver } from '../shared/arrival-observer.js';
import { Spread } from '../shared/spread.js';
import { StandIn } from '../shared/stand-in.js';
import { sayClosed } from './closed-response.js';
import { CANCEL } from '../shared/http2-frames.js';
import { Session, type SessionOwner } from '../shared/http2-session.js';
import { StreamExchange } from './stream-exchange.js';
import { setImmediate } from '../../sequence/timers.js';

/** What an HTTP/2 server needs around it. */
export interface Http2ServerContext {
  readonly clock: Clock;
  readonly tracker: InFlightTracker;
  readonly traffic: Traffic;
  /** Hears of streams while one runs; sessions are not told to leave. */
  readonly rehearsal: Pick<ArrivalObserver, 'isRunning' | 'requestArrived'>;
  readonly admission: Admission;
  readonly refusals: Pick<Refusals, 'refuseStream'>;
  /** Closes the listener when draining begins, instead of answering late requests on new sessions. */
  readonly closesListenerFirst: boolean;
  /** Closes it as soon as clients are told to leave: others accept from the same socket, or will. */
  isHandingOver(): boolean;
}

/** Sessions told to leave between two polls of the event loop. */
const toldPerTurn = 64;
/**
 * A session that opens while draining is told to leave when its first stream has been answered, or after this long
 * without one, ms.
 */
const lateSessionMs = 1_000;

/**
 * The HTTP/2 sessions of one `Http2Server` or `Http2SecureServer`.
 *
 * In the lame duck they are told to leave one by one, spread over it, while new ones are served; what is left is told
 * when draining begins. Streams in flight finish, and a stream that crosses the telling on the wire is served
 * (cleartext) or refused in a way that lets its client send it again (TLS).
 *
 * It has more methods than most classes: those of a drainable, and those that hear of its server and its sessions.
 * @internal
 */
export class Http2ServerDrainable implements Drainable, SessionOwner {
  private readonly sessions = new Map<ServerHttp2Session, Session>();
  private readonly exchanges = new Set<StreamExchange>();
  /** Those that were open when draining began, and have not ended: the drain waits for them. */
  private readonly owed = new Set<Session>();
  private readonly leaving: Spread<Session>;
  /** By session: while it has had no stream. */
  private readonly lateSessions = new Map<Session, ClockTimer>();
  private stage: Stage = 'serving';
  private announcedAt = Infinity;
  /** The socket that has just connected: Node makes its session in the same turn. */
  private connecting?: Socket;
  private readonly progress = new Progress();
  /** Each may lead to a session. A client that takes too long is cut where HTTP/1.1 is spoken on the same server. */
  private readonly handshakes: Handshakes;

  constructor(
    readonly name: string,
    private readonly server: Http2Server,
    private readonly context: Http2ServerContext,
  ) {
    this.leaving = new Spread(context.clock, (session) => session.leave());
    this.handshakes = new Handshakes(context.clock, () => this.progress.made());
    const isSecure = 'setSecureContext' in server;
    const gate = new StandIn(server);
    if (isSecure) gate.before('connection', (socket: Socket) => void this.handshakes.add(socket));
    gate
      .before(isSecure ? 'secureConnection' : 'connection', this.connected)
      .before('session', this.opened)
      .before('stream', this.meet)
      .before('request', this.arrived);
  }

  announce(spreadMs: number): void {
    this.stage = 'announced';
    this.announcedAt = this.context.clock.now();
    if (spreadMs > 0) this.leaving.over(spreadMs, this.sessions.values());
    if (this.context.isHandingOver()) cutListener(this.netServer);
  }

  /** Resolves when no session is left, or at the deadline. */
  clientsGone(deadline: AbortSignal): Promise<void> {
    return this.progress.until(() => this.sessions.size === 0 && this.handshakes.size === 0, deadline);
  }

  async drain(deadline: AbortSignal): Promise<void> {
    await this.refuseNew(deadline);
    await this.progress.until(() => this.owed.size === 0, deadline);
  }

  async close(deadline: AbortSignal): Promise<void> {
    await closeListener(this.netServer, this.context.clock, deadline);
    await this.progress.until(() => this.handshakes.size === 0, deadline);
    await this.tell(this.sessions.values());
    await this.progress.until(() => this.sessions.size === 0, deadline);
  }

  /** Leases name what was cut. */
  async forceClose(): Promise<readonly Leftover[]> {
    cutListener(this.netServer);
    for (const { stream } of this.exchanges) stream.close(CANCEL);
    // The frames go out with the next turn.
    await nextPoll();
    for (const timer of this.lateSessions.values()) timer.cancel();
    for (const session of this.sessions.values()) session.destroy();
    return [];
  }

  ended(session: Session): void {
    this.owed.delete(session);
    this.progress.made();
  }

  closed(session: Session): void {
    this.lateSessions.get(session)?.cancel();
    this.lateSessions.delete(session);
    this.sessions.delete(session.session);
    this.progress.made();
  }

  private async refuseNew(deadline: AbortSignal): Promise<void> {
    // One more poll: what the kernel already holds arrived in time.
    await nextPoll();
    // Whoever is accepted until then is served, as over HTTP/1.1.
    if (this.context.closesListenerFirst) await closeListener(this.netServer, this.context.clock, deadline);
    this.stage = 'refusing';
    this.leaving.stop();
    for (const session of this.sessions.values()) this.owed.add(session);
    await this.tell(this.owed);
  }

  private get netServer(): NetServer {
    return this.server;
  }

  private readonly connected = (socket: Socket): void => {
    this.connecting = socket;
    this.handshakes.end(socket);
    this.progress.made();
  };

  private readonly opened = (session: ServerHttp2Session): void => {
    const { connecting } = this;
    this.connecting = undefined;
    // A session that somebody has made of a stream of his own is his to close.
    if (!connecting) return;
    const { clock } = this.context;
    const held = new Session(session, connecting, clock.now(), clock, this);
    this.sessions.set(session, held);
    if (this.stage === 'announced') this.leaving.add(held);
    else if (this.stage === 'refusing') this.awaitLate(held);
  };

  private awaitLate(session: Session): void {
    session.isLate = true;
    const timer = this.context.clock.after(lateSessionMs, () => this.leave(session));
    this.lateSessions.set(session, timer);
  }

  private leave(session: Session): void {
    this.lateSessions.get(session)?.cancel();
    this.lateSessions.delete(session);
    session.leave();
  }

  /**
   * Counts a stream, wherever it goes from here: routed or not. Returns true when the application is not to hear of it.
   */
  private readonly meet = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean => {
    const session = this.sessions.get(stream.session as ServerHttp2Session);
    if (!session) return false;
    const { clock, tracker, traffic, rehearsal, refusals } = this.context;
    session.streamBegan();
    const exchange = new StreamExchange(stream, headers, session, clock.now(), tracker, refusals);
    if (this.stage === 'serving') traffic.arrived(exchange.startedAt);
    else this.judge(exchange);
    if (rehearsal.isRunning && this.isTraffic(exchange)) rehearsal.requestArrived(session.openedAt);
    this.exchanges.add(exchange);
    if (!exchange.isLate) tracker.add(exchange);
    stream.once('close', () => {
      this.exchanges.delete(exchange);
      exchange.endResponse();
    });
    if (exchange.verdict !== 'late' && exchange.verdict !== 'declined') return false;
    exchange.refuse();
    return true;
  };

  /**
   * Decides, by its session, what becomes of a stream once the shutdown has begun: one that crossed the telling on the
   * wire is not late.
   */
  private judge(exchange: StreamExchange): void {
    const { session } = exchange;
    const { traffic, admission, closesListenerFirst } = this.context;
    const isNew = session.openedAt >= this.announcedAt;
    const isOnLateSession = session.isLate;
    exchange.verdict = admission.judge({
      request: exchange,
      stage: this.stage,
      isBehindClose: false,
      isInTime: !isOnLateSession || closesListenerFirst || this.context.isHandingOver(),
      isUpgrade: false,
    });
    const isTraffic = (isNew || !session.isLeaving) && this.isTraffic(exchange);
    if (isTraffic) exchange.uncount = traffic.arrivedUnready(isNew);
    // Streams that came in one chunk with it are seen first.
    if (isOnLateSession) setImmediate(() => this.leave(session));
  }

  private isTraffic(exchange: StreamExchange): boolean {
    return !this.context.admission.couldBeExempt(exchange);
  }

  private readonly arrived = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    if (request.httpVersionMajor < 2) return;
    response.on('close', sayClosed);
    this.context.admission.arrived(request, response);
  };

  private async tell(sessions: Iterable<Session>): Promise<void> {
    let told = 0;
    for (const session of [...sessions]) {
      this.leave(session);
      if (++told % toldPerTurn === 0) await nextPoll();
    }
  }
}
