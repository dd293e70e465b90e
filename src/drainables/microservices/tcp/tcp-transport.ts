import { type CallConnection } from '../shared/call-connection.js';
import { Server as NetServer, type Socket } from 'node:net';
import { type Leftover } from '../../../sequence/drainable.js';
import { type Notice, notices } from '../../../words/tcp-notices.js';
import { Handshakes } from '../../shared/handshakes.js';
import { closeListener } from '../../shared/listener.js';
import { Progress } from '../../shared/progress.js';
import { Spread } from '../../shared/spread.js';
import { afterFreshPoll } from '../../shared/turns.js';
import { type Transport, type TransportContext, type TransportServer } from '../shared/transport.js';
import { TcpConnection } from './tcp-connection.js';

/** Nest's number for TCP, `Transport.TCP`. */
const tcp = 0;
/** A client that does not answer a FIN with its own, or does not end its TLS handshake, is waited for, ms. */
const closesWithinMs = 1_000;

/** What is known of Nest's `ServerTCP`: these are the same from 11.0.0 to 12. */
interface ServerTcp extends TransportServer {
  readonly server: NetServer;
  readonly socketClass?: { readonly name?: string };
  readonly serializer?: object;
  /** Nest listens anew when its server closes by itself, where `retryAttempts` is set. */
  isManuallyTerminated?: boolean;
}

/** TCP: clients come to the address of this process. */
export function tcpTransport(server: TransportServer, context: TransportContext): Transport | undefined {
  if (server.transportId !== tcp) return undefined;
  return (server as Partial<ServerTcp>).server instanceof NetServer
    ? new TcpTransport(server as ServerTcp, context)
    : undefined;
}

/**
 * Calls that are late are answered with an error, and never executed. A connection is closed when none of its calls is
 * executed any longer, by a FIN; it is read on until the client's, so that events that are on their way are executed.
 */
export class TcpTransport implements Transport {
  readonly name = 'TCP';
  private readonly connections = new Map<Socket, TcpConnection>();
  private readonly handshakes: Handshakes;
  private readonly progress = new Progress();
  private readonly telling: Spread<TcpConnection>;
  /** Calls of sockets that are none of Nest's, and do not tell their connection. */
  private readonly strays: CallConnection;
  private straysRunning = 0;
  /** These may be ready to be closed. */
  private resting?: Set<TcpConnection>;
  /** These are looked at again when they have been quiet for long enough, or when their client has read on. */
  private readonly awaited = new Set<TcpConnection>();
  private isDraining = false;
  private isCut = false;

  constructor(
    private readonly server: ServerTcp,
    private readonly context: TransportContext,
  ) {
    const { clock } = context;
    this.handshakes = new Handshakes(clock, () => this.progress.made());
    this.telling = new Spread(clock, (connection) => this.say(notices.leave, connection));
    this.strays = {
      callBegins: () => void this.straysRunning++,
      callEnded: () => {
        if (--this.straysRunning === 0) this.allRest();
      },
    };
    const isTls = 'setSecureContext' in server.server;
    server.server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => this.opened(socket));
    if (isTls) server.server.on('connection', (socket: Socket) => this.shakesHands(socket));
  }

  /** The connection of a call, by what Nest hands to its handler: a `TcpContext`. */
  connectionOf(context: unknown): CallConnection {
    const socket = (context as Partial<TcpContext> | undefined)?.getSocketRef?.()?.netSocket;
    return (socket && this.connections.get(socket)) ?? this.strays;
  }

  refusal(): unknown {
    return this.context.refusal;
  }

  /**
   * Clients of Nest cannot be told to leave: a FIN would cost the call that crosses it, which is still served now. Those
   * that use `retryWhenDraining()` are told, and the listener stays open for all who are still sent here.
   */
  announce(spreadMs: number): void {
    this.telling.over(spreadMs, this.connections.values());
  }

  async stopTaking(deadline: AbortSignal): Promise<void> {
    this.telling.stop();
    this.isDraining = true;
    this.server.isManuallyTerminated = true;
    for (const connection of this.connections.values()) connection.drains();
    this.allRest();
    for (const { socket } of this.handshakes) this.destroyIfOpen(socket);
    await closeListener(this.server.server, this.context.clock, deadline);
  }

  /** Resolves when all connections have been closed, with nothing left to read. */
  flush(deadline: AbortSignal): Promise<void> {
    return this.progress.until(() => this.connections.size === 0 && this.handshakes.size === 0, deadline);
  }

  cut(): Leftover[] {
    this.isCut = true;
    this.telling.stop();
    const now = this.context.clock.now();
    const left = Array.from(this.connections.values(), (connection): Leftover => {
      connection.socket.destroy();
      const ageMs = Math.round(now - connection.openedAt);
      return { kind: 'connection', name: this.name, ageMs, detail: stateOf(connection) };
    });
    for (const { socket } of this.handshakes) socket.destroy();
    return left;
  }

  private shakesHands(socket: Socket): void {
    this.handshakes.add(socket);
    if (this.isDraining) this.destroyIfOpen(socket);
  }

  private opened(socket: Socket): void {
    this.handshakes.end(socket);
    const connection = new TcpConnection(socket, {
      now: () => this.context.clock.now(),
      rests: () => this.rests(connection),
    });
    this.connections.set(socket, connection);
    socket.once('close', () => {
      this.connections.delete(socket);
      // What is cut is named as it was, and not as if its client had gone.
      if (!this.isCut) connection.gone();
      this.progress.made();
    });
    if (!this.isDraining) return;
    connection.drains();
    this.rests(connection);
  }

  private allRest(): void {
    for (const connection of this.connections.values()) this.rests(connection);
  }

  /** What has come in until now is read, and refused, before a connection is closed. */
  private rests(connection: TcpConnection): void {
    if (!this.isDraining) return;
    if (this.resting) return void this.resting.add(connection);
    const resting = (this.resting = new Set([connection]));
    afterFreshPoll(this.context.clock, () => {
      this.resting = undefined;
      for (const each of resting) this.closeIfIdle(each);
    });
  }

  private closeIfIdle(connection: TcpConnection): void {
    const { socket, lingersMs } = connection;
    // It may have closed by itself meanwhile.
    if (!this.connections.has(socket) || connection.hasLeft || this.awaited.has(connection)) return;
    if (connection.running > 0 || this.straysRunning > 0) return;
    const look = () => {
      this.awaited.delete(connection);
      this.rests(connection);
    };
    if (lingersMs > 0) {
      this.awaited.add(connection);
      this.later(lingersMs, socket, look);
      // Nest reads no further from a client that does not read, and does not go on once a FIN is under way.
    } else if (connection.isUnread) {
      this.awaited.add(connection);
      socket.once('drain', look);
    } else {
      this.say(notices.closing, connection);
      connection.leave();
      this.destroyIfOpen(socket);
    }
  }

  private destroyIfOpen(socket: Socket): void {
    const { clock } = this.context;
    this.later(closesWithinMs, socket, () => afterFreshPoll(clock, () => this.endHandshakeOrDestroy(socket)));
  }

  private endHandshakeOrDestroy(socket: Socket): void {
    const isShaking = [...this.handshakes].some((handshake) => handshake.socket === socket);
    if (isShaking || this.connections.has(socket)) socket.destroy();
  }

  /** Acts then, unless the socket has closed. */
  private later(ms: number, socket: Socket, act: () => void): void {
    const timer = this.context.clock.after(ms, act);
    socket.once('close', () => timer.cancel());
  }

  /** Whoever has a framing, or packets, of his own does not get ours. */
  private say(notice: Notice, connection: TcpConnection): void {
    const { serializer, socketClass } = this.server;
    if (socketClass?.name === 'JsonSocket' && serializer?.constructor.name === 'IdentitySerializer')
      connection.say(notice);
  }
}

interface TcpContext {
  getSocketRef(): { readonly netSocket?: Socket } | undefined;
}

function stateOf(connection: TcpConnection): string {
  const { running } = connection;
  if (running > 0) return `${running} ${running === 1 ? 'call' : 'calls'} running`;
  return connection.hasLeft ? 'not closed by its client' : 'answers not read by its client';
}
