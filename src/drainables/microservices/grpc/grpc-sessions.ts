import { type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type Socket } from 'node:net';
import { type Clock, type ClockTimer, delay, nextPoll } from '../../../sequence/clock.js';
import { Handshakes } from '../../shared/handshakes.js';
import { Session, type SessionOwner } from '../../shared/http2-session.js';
import { closeListener } from '../../shared/listener.js';
import { Progress } from '../../shared/progress.js';

/**
 * How long a client gets to close its end, ms, when everything has been handed to the kernel. One that has vanished
 * never does.
 */
const lingerMs = 50;
/**
 * A client that comes back while others are told to leave, because it has not heard of other replicas, is told so long
 * after its first call, ms.
 */
const returnedMs = 500;

/**
 * The sessions of the servers of HTTP/2 beneath a server of gRPC.
 *
 * A client of gRPC sends a call that was refused once more by itself, and only once. So a call must not meet the
 * telling twice:
 *
 * - They are told by the drain and not by grpc-js, whose `drain()` refuses every call that crosses the telling on the
 *   wire. Node's client alone refuses some by itself: those that it begins in the turn in which it reads the telling.
 * - Whoever comes back is not told as it brings the calls that it sends once more.
 *
 * @see https://grpc.io/docs/guides/retry/ on transparent retries
 */
export class GrpcSessions implements SessionOwner {
  private readonly servers = new Set<Http2Server>();
  private readonly open = new Map<ServerHttp2Session, Session | undefined>();
  private readonly progress = new Progress();
  private streams = 0;
  /** The socket that has just connected: Node makes its session in the same turn. */
  private connecting?: Socket;
  private isTelling = false;
  private isClosing = false;
  /** Of those that have come back: they are told when it fires. */
  private readonly staying = new WeakMap<Session, ClockTimer>();
  /** Those of TLS that are under way, which grpc-js knows nothing of. */
  private readonly handshakes: Handshakes;

  constructor(private readonly clock: Clock) {
    this.handshakes = new Handshakes(clock, () => undefined);
  }

  /** Reports whether any server is known. */
  get areSeen(): boolean {
    return this.servers.size > 0;
  }

  meet(servers: ReadonlyMap<Http2Server, readonly ServerHttp2Session[]>): void {
    for (const [server, sessions] of servers) {
      if (this.servers.has(server)) continue;
      this.servers.add(server);
      for (const session of sessions) this.keep(session);
      const isSecure = 'setSecureContext' in server;
      if (isSecure) server.on('connection', (socket: Socket) => void this.handshakes.add(socket));
      server.prependListener(isSecure ? 'secureConnection' : 'connection', this.connected);
      // After grpc-js, which would find it closed.
      server.on('session', (session) => this.opened(session));
      server.on('stream', (stream) => this.began(stream));
    }
  }

  /** Tells clients to leave, those that come back included. Calls that cross it on the wire are served. */
  leave(): void {
    this.isTelling = true;
    for (const [session, held] of this.open) {
      if (held) held.leave();
      // Its socket is not known.
      else session.close();
    }
  }

  /**
   * Closes the listeners, and resolves when every client has heard that it is to leave. The listeners close first: a
   * client that has been told comes back at once, and enough of them would always leave one that has not heard. A
   * session that is still made from here on, of a TLS handshake that has just ended, is told as it says its first
   * word.
   */
  async told(deadline: AbortSignal): Promise<void> {
    await Promise.all([...this.servers].map((server) => closeListener(server, this.clock, deadline)));
    this.isClosing = true;
    this.leave();
    await this.each(({ closed, destroyed }) => closed || destroyed, deadline);
  }

  /** Resolves when everything has left on sessions that are being closed, or at the deadline. */
  async flushed(deadline: AbortSignal): Promise<void> {
    await this.progress.until(() => this.streams === 0, deadline);
    // Node destroys a session that is being closed when all has been written: not in the turn of its last stream.
    await nextPoll();
    await this.each(({ destroyed }) => destroyed, deadline);
    await this.gone(deadline);
  }

  /** Resolves when each has said that it is closed, at the deadline, or in a moment. */
  async gone(deadline?: AbortSignal): Promise<void> {
    const over = new AbortController();
    const signal = deadline ? AbortSignal.any([deadline, over.signal]) : over.signal;
    const closed = this.progress.until(() => this.open.size === 0, signal);
    await Promise.race([closed, delay(this.clock, lingerMs, over.signal)]);
    over.abort();
  }

  /** Cuts those whose client has not said its first word: grpc-js would close them, which can corrupt Node's heap. */
  destroySilent(): void {
    for (const held of this.open.values()) if (held?.isSilent) held.destroy();
  }

  /** Cuts what is left of them, and handshakes that have not ended: the listener is not closed before they are. */
  destroy(): void {
    for (const { socket } of this.handshakes) socket.destroy();
    for (const [session, held] of this.open) (held ?? session).destroy();
  }

  saidLast(): void {
    this.progress.made();
  }

  closed(held: Session): void {
    this.staying.get(held)?.cancel();
    this.forget(held.session);
  }

  /**
   * Resolves when `isSo` holds for each that is open, or at the deadline. Once it holds for one it must go on holding:
   * one is looked at after the other, for there may be thousands, and each of them makes progress.
   */
  private async each(isSo: (session: ServerHttp2Session) => boolean, deadline: AbortSignal): Promise<void> {
    for (const session of this.open.keys()) await this.progress.until(() => isSo(session), deadline);
  }

  private readonly connected = (socket: Socket): void => {
    this.connecting = socket;
    this.handshakes.end(socket);
  };

  private opened(session: ServerHttp2Session): void {
    const { connecting, clock } = this;
    this.connecting = undefined;
    // A session that somebody has made of a stream of his own is his to close.
    if (!connecting) return;
    const held = new Session(session, connecting, clock.now(), clock, this);
    this.open.set(session, held);
    if (this.isClosing) held.leave();
  }

  /** A session that was there before its server was met. */
  private keep(session: ServerHttp2Session): void {
    this.open.set(session, undefined);
    session.once('close', () => this.forget(session));
  }

  private forget(session: ServerHttp2Session): void {
    this.open.delete(session);
    this.progress.made();
  }

  private began(stream: ServerHttp2Stream): void {
    const held = this.open.get(stream.session as ServerHttp2Session);
    this.streams++;
    held?.streamBegan();
    if (held && this.isTelling && !held.isLeaving && !this.staying.has(held)) {
      this.staying.set(
        held,
        this.clock.after(returnedMs, () => held.leave()),
      );
    }
    stream.on('close', () => {
      this.streams--;
      held?.streamEnded();
      this.progress.made();
    });
  }
}
