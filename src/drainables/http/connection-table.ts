import { type Socket } from 'node:net';
import { type Clock, type ClockTimer } from '../../sequence/clock.js';
import { type Leftover } from '../../sequence/drainable.js';
import { Progress } from '../progress.js';
import { Connection, connectionOf, type ConnectionOwner } from './connection.js';
import { setImmediate } from '../../sequence/timers.js';

/**
 * An idle connection cannot be told to leave. It is closed when this long has passed since its last byte: idle races fall from 1.34 % to
 * 0.05 % with 50 ms, and longer adds nothing.
 */
const lingerMs = 50;
/** Half a head on a connection that opened while draining belongs to a late request, and gets no longer than this. */
const lateHeadMs = 1_000;
/** Idle connections closed between two polls of the event loop. */
const closedPerTurn = 64;

/** A TCP connection in its TLS handshake. */
interface Handshake {
  readonly socket: Socket;
  readonly startedAt: number;
  /** Listens for the close of `socket`. */
  readonly closed: () => void;
}

/** All connections of one server, and the closing of those that rest. */
export class ConnectionTable implements ConnectionOwner, Iterable<Connection> {
  private readonly connections = new Set<Connection>();
  /** Those that held work, or part of a request, when draining began: the drain waits for them. */
  private readonly owed = new Set<Connection>();
  /** By remote address and port: a TLS socket does not tell which TCP socket it came from. */
  private readonly handshakes = new Map<string, Handshake>();
  private isClosing = false;
  private sweepTimer?: ClockTimer;
  private sweepAt = Infinity;
  private readonly progress = new Progress();

  constructor(private readonly clock: Clock) {}

  [Symbol.iterator](): Iterator<Connection> {
    return this.connections[Symbol.iterator]();
  }

  /** The connection of `socket`; one that opened before the table looked is added now. */
  of(socket: Socket): Connection {
    return connectionOf(socket) ?? this.add(socket);
  }

  add(socket: Socket): Connection {
    this.endHandshake(socket);
    const connection = new Connection(socket, this.clock.now(), this);
    this.connections.add(connection);
    if (this.isClosing) this.sweepBy(connection.idleSince + lingerMs);
    return connection;
  }

  /** The handshake of `socket` has ended in another protocol, which has a table of its own. */
  leaveAlone(socket: Socket): void {
    this.endHandshake(socket);
    this.progress.made();
  }

  addHandshake(socket: Socket): void {
    const address = addressOf(socket);
    const closed = () => {
      if (this.handshakes.get(address) === handshake) this.handshakes.delete(address);
      this.progress.made();
    };
    const handshake = { socket, startedAt: this.clock.now(), closed };
    this.handshakes.set(address, handshake);
    socket.on('close', closed);
    if (this.isClosing) this.sweepBy(handshake.startedAt + lingerMs);
  }

  /** The handshake that led to `socket` is over: nothing of it is kept for as long as the connection lives. */
  private endHandshake(socket: Socket): void {
    const address = addressOf(socket);
    const handshake = this.handshakes.get(address);
    if (!handshake) return;
    this.handshakes.delete(address);
    handshake.socket.off('close', handshake.closed);
  }

  /** From here on a connection is closed when it has rested; what is busy, or half way through a request, is owed its end. */
  closeAsTheyRest(): void {
    this.isClosing = true;
    for (const connection of this.connections) {
      if (!connection.isIdle) this.owed.add(connection);
      connection.passesNext = connection.hasBegunRequest;
    }
    this.sweep();
  }

  /** Resolves when nothing is owed any longer, or at the deadline. */
  owedEnd(deadline: AbortSignal): Promise<void> {
    return this.progress.until(() => this.owed.size === 0, deadline);
  }

  /** Resolves when the last connection has closed, or at the deadline. */
  allClose(deadline: AbortSignal): Promise<void> {
    return this.progress.until(() => this.connections.size === 0 && this.handshakes.size === 0, deadline);
  }

  /** Cuts everything. Returns what was in the middle of a request that no lease names. */
  destroyAll(serverName: string): Leftover[] {
    const now = this.clock.now();
    const leftovers: Leftover[] = [];
    this.stopSweeping();
    for (const connection of this.connections) {
      if (this.owed.has(connection) && !connection.lastExchange && !connection.isUpgraded) {
        const detail = connection.hasBegunRequest ? 'half a request head' : 'the rest of a request body';
        leftovers.push({ kind: 'connection', name: serverName, ageMs: Math.round(now - connection.openedAt), detail });
      }
      connection.socket.destroy();
    }
    for (const { socket } of this.handshakes.values()) socket.destroy();
    return leftovers;
  }

  rested(connection: Connection): void {
    connection.idleSince = Math.trunc(this.clock.now());
    if (!this.isClosing) return;
    this.owed.delete(connection);
    this.sweepBy(connection.idleSince + lingerMs);
    this.progress.made();
  }

  closed(connection: Connection): void {
    this.owed.delete(connection);
    this.connections.delete(connection);
    this.progress.made();
  }

  private sweepBy(at: number): void {
    if (this.sweepAt <= at) return;
    this.stopSweeping();
    this.sweepAt = at;
    this.sweepTimer = this.clock.after(at - this.clock.now(), () => this.sweep());
  }

  private stopSweeping(): void {
    this.sweepTimer?.cancel();
    this.sweepAt = Infinity;
  }

  /** Picks what has lingered. This runs in a timer, and timers run before poll: the decision is held against what the next poll brings. */
  private sweep(): void {
    this.stopSweeping();
    const now = this.clock.now();
    const lingered: Connection[] = [];
    let nextAt = Infinity;
    for (const connection of this.connections) {
      if (connection.isBusy || this.owed.has(connection)) continue;
      const dueAt = connection.idleSince + (connection.isIdle ? lingerMs : lateHeadMs);
      if (dueAt <= now) lingered.push(connection);
      else nextAt = Math.min(nextAt, dueAt);
    }
    const stalled: Handshake[] = [];
    for (const handshake of this.handshakes.values()) {
      const dueAt = handshakeDueAt(handshake);
      if (dueAt <= now) stalled.push(handshake);
      else nextAt = Math.min(nextAt, dueAt);
    }
    if (nextAt < Infinity) this.sweepBy(nextAt);
    if (lingered.length > 0) setImmediate(() => this.closeLingered(lingered, 0));
    if (stalled.length > 0) setImmediate(() => this.closeStalled(stalled));
  }

  private closeLingered(lingered: readonly Connection[], from: number): void {
    for (const connection of lingered.slice(from, from + closedPerTurn)) this.closeUnlessSpoken(connection);
    const next = from + closedPerTurn;
    if (next < lingered.length) setImmediate(() => this.closeLingered(lingered, next));
  }

  private closeStalled(stalled: readonly Handshake[]): void {
    const now = this.clock.now();
    for (const handshake of stalled) {
      if (this.handshakes.get(addressOf(handshake.socket)) !== handshake) continue;
      const dueAt = handshakeDueAt(handshake);
      if (dueAt <= now) handshake.socket.destroy();
      else this.sweepBy(dueAt);
    }
  }

  private closeUnlessSpoken(connection: Connection): void {
    if (connection.isBusy) return;
    const isLateHead = connection.hasBegunRequest && this.clock.now() - connection.idleSince >= lateHeadMs;
    if (connection.isIdle || isLateHead) connection.socket.destroy();
    else this.sweepBy(connection.idleSince + lateHeadMs);
  }
}

function handshakeDueAt({ socket, startedAt }: Handshake): number {
  return startedAt + (socket.bytesRead === 0 ? lingerMs : lateHeadMs);
}

function addressOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ''} ${socket.remotePort ?? ''}`;
}
