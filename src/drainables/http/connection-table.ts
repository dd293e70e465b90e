import { Socket } from 'node:net';
import { type Clock, type ClockTimer } from '../../sequence/clock.js';
import { type Leftover } from '../../sequence/drainable.js';
import { type Handshake, Handshakes } from '../shared/handshakes.js';
import { Progress } from '../shared/progress.js';
import { afterFreshPoll, freshMs } from '../shared/turns.js';
import { Connection, connectionOf, type ConnectionOwner } from './connection.js';

/**
 * An idle connection cannot be told to leave. It is closed when this long has passed since its last byte: idle races
 * fall from 1.34 % to 0.05 % with 50 ms, and longer adds nothing.
 */
export const lingerMs = 50;
/** Half a head on a connection that opened while draining belongs to a late request, and gets no longer than this. */
const lateHeadMs = 1_000;
/** An upgrade that nobody has answered for this long, once draining has begun, is nobody's. */
const unansweredMs = 1_000;
/** Idle connections closed between two polls of the event loop. */
const closedPerTurn = 64;
/** More than one of them only for so long, ms: on a busy machine a process may be halted between poll and close. */
const closingMs = 0.25;

/** How connections are closed once draining has begun. */
export interface Closing {
  readonly since: number;
  /** How long those that have been used, and rest, are kept, ms: their clients may be about to write. */
  readonly idleLingerMs: number;
  /**
   * Whoever has been accepted is owed an answer: the listener is closed, and a client that is refused a connection goes
   * elsewhere by itself.
   */
  readonly owesAccepted: boolean;
  /** So is whoever has a connection, however long: it was accepted for a socket that others go on serving. */
  readonly owesKept?: boolean;
}

/**
 * All connections of one server, and the closing of those that rest. It has more methods than most classes: each way in
 * which a connection comes, rests, is owed something or leaves is one, and all of them work on the same two sets.
 */
export class ConnectionTable implements ConnectionOwner, Iterable<Connection> {
  private readonly connections = new Set<Connection>();
  /** Those that held work, or part of a request, when draining began: the drain waits for them. */
  private readonly owed = new Set<Connection>();
  private readonly handshakes: Handshakes;
  private closing?: Closing;
  private sweepTimer?: ClockTimer;
  private sweepAt = Infinity;
  private readonly progress = new Progress();

  constructor(private readonly clock: Clock) {
    this.handshakes = new Handshakes(clock, () => this.progress.made());
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.connections[Symbol.iterator]();
  }

  /** The connection of `socket`; one that opened before the table looked is added now. */
  of(socket: Socket): Connection {
    return connectionOf(socket) ?? this.add(socket);
  }

  add(socket: Socket): Connection {
    this.handshakes.end(socket);
    const connection = new Connection(socket, this.clock.now(), this);
    this.connections.add(connection);
    if (this.closing) {
      connection.passesNext = this.closing.owesAccepted;
      if (connection.passesNext) this.owed.add(connection);
      this.sweepBy(this.dueAt(connection, this.closing));
    }
    return connection;
  }

  /** The handshake of `socket` has ended in another protocol, which has a table of its own. */
  leaveAlone(socket: Socket): void {
    this.handshakes.end(socket);
    this.progress.made();
  }

  addHandshake(socket: Socket): void {
    const handshake = this.handshakes.add(socket);
    if (this.closing) this.sweepBy(this.handshakeDueAt(handshake, this.closing));
  }

  /**
   * From here on a connection is closed when it has rested; what is busy, or half way through a request, is owed its
   * end.
   */
  closeAsTheyRest(how: Omit<Closing, 'since'>): void {
    warmUp();
    const since = this.clock.now();
    this.closing = { ...how, since };
    for (const connection of this.connections) {
      connection.idleSince = Math.trunc(connection.isFresh ? freshSince(connection.openedAt, this.closing) : since);
      connection.passesNext =
        connection.hasBegunRequest || how.owesKept === true || (how.owesAccepted && connection.isFresh);
      if (!connection.isIdle || connection.passesNext) this.owed.add(connection);
    }
    this.sweep();
  }

  /** Resolves when nothing is owed any longer, or at the deadline. */
  owedEnd(deadline: AbortSignal): Promise<void> {
    const owesHandshakes = this.closing?.owesAccepted === true;
    return this.progress.until(() => this.owed.size === 0 && (!owesHandshakes || this.handshakes.size === 0), deadline);
  }

  /** Resolves when the last connection has closed, or at the deadline. */
  allClose(deadline: AbortSignal): Promise<void> {
    return this.progress.until(() => this.connections.size === 0 && this.handshakes.size === 0, deadline);
  }

  /** Cuts everything. Returns what was in the middle of a request that no lease names. */
  destroyAll(serverName: string): Leftover[] {
    const now = this.clock.now();
    const leftovers: Leftover[] = [];
    for (const connection of this.connections) {
      if (this.owed.has(connection) && !connection.lastExchange && !connection.isUpgraded) {
        const detail = connection.hasBegunRequest ? 'half a request head' : 'the rest of a request body';
        leftovers.push({ kind: 'connection', name: serverName, ageMs: Math.round(now - connection.openedAt), detail });
      }
      connection.socket.destroy();
    }
    for (const { socket } of this.handshakes) socket.destroy();
    this.stopSweeping();
    return leftovers;
  }

  rested(connection: Connection): void {
    if (!this.closing) return;
    connection.idleSince = Math.trunc(this.clock.now());
    this.owed.delete(connection);
    this.sweepBy(this.dueAt(connection, this.closing));
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

  /** When a connection is closed, if nothing more comes; Infinity for one that is waited for. */
  private dueAt(connection: Connection, { since, idleLingerMs }: Closing): number {
    if (connection.isUnanswered) return Math.max(connection.upgrade!.startedAt, since) + unansweredMs;
    if (connection.isBusy) return Infinity;
    if (connection.isIdle) return connection.idleSince + (connection.isFresh ? lingerMs : idleLingerMs);
    return this.owed.has(connection) ? Infinity : connection.idleSince + lateHeadMs;
  }

  private handshakeDueAt({ socket, startedAt }: Handshake, closing: Closing): number {
    if (socket.bytesRead > 0) return startedAt + lateHeadMs;
    return freshSince(startedAt, closing) + lingerMs;
  }

  /**
   * Picks what has lingered. This runs in a timer, and timers run before poll: the decision is held against what the
   * next poll brings.
   */
  private sweep(): void {
    const { closing } = this;
    if (!closing) return;
    this.stopSweeping();
    const now = this.clock.now();
    const lingered: (Connection | Handshake)[] = [];
    let nextAt = Infinity;
    const pick = (each: Connection | Handshake, dueAt: number) => {
      if (dueAt <= now) lingered.push(each);
      else nextAt = Math.min(nextAt, dueAt);
    };
    for (const connection of this.connections) pick(connection, this.dueAt(connection, closing));
    for (const handshake of this.handshakes) pick(handshake, this.handshakeDueAt(handshake, closing));
    if (nextAt < Infinity) this.sweepBy(nextAt);
    if (lingered.length > 0) this.closeAfterPoll(lingered, closing);
  }

  /** Closes what is still due, for as long as the last poll is fresh, and goes on behind the next. */
  private closeAfterPoll(lingered: readonly (Connection | Handshake)[], closing: Closing): void {
    afterFreshPoll(this.clock, (polledAfter) => this.closeLingered(lingered, closing, polledAfter));
  }

  private closeLingered(lingered: readonly (Connection | Handshake)[], closing: Closing, polledAfter: number): void {
    const now = this.clock.now();
    const closingEndsAt = Math.min(now + closingMs, polledAfter + freshMs);
    let next = 0;
    for (const each of lingered) {
      if (next === closedPerTurn || (next > 0 && this.clock.now() > closingEndsAt)) break;
      next++;
      const dueAt = each instanceof Connection ? this.dueAt(each, closing) : this.handshakeDueAt(each, closing);
      // A handshake that has ended meanwhile has left its socket to a connection.
      if (!(each instanceof Connection) && !this.handshakes.isUnderWay(each)) continue;
      if (dueAt <= now) each.socket.destroy();
      else if (dueAt < Infinity) this.sweepBy(dueAt);
    }
    const rest = lingered.slice(next);
    if (rest.length > 0) this.closeAfterPoll(rest, closing);
  }
}

/**
 * The first connection that a process closes takes it 0.6 ms, and what arrives meanwhile is lost. Node asks of each
 * whether it is `process.stderr`, which is made when it is first asked for: that is most of it. The rest is cold code,
 * which a socket that nobody uses goes through.
 */
function warmUp(): void {
  void process.stderr;
  new Socket().destroy();
}

/** From when on one lingers that has just been opened by somebody who wants to use it. */
function freshSince(openedAt: number, { since, idleLingerMs }: Closing): number {
  return Math.max(openedAt, since + idleLingerMs - lingerMs);
}
