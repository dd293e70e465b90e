import { type Socket } from 'node:net';
import { setImmediate } from '../../../sequence/timers.js';
import { type Notice } from '../../../words/tcp-notices.js';
import { type CallConnection, type RunningCall } from '../shared/call-connection.js';

/** A client that connects, or has just been answered, may be about to write: it is waited for, ms. */
const lingerMs = 50;

/** What a connection tells the transport that it belongs to. */
export interface ConnectionWatcher {
  /** The present instant, ms. */
  now(): number;
  /** Its last call has been answered, or its client has read on: it may be time to close it. */
  rests(connection: TcpConnection): void;
}

/** One connection of a client: its calls that are executed, and its end in stages. */
export class TcpConnection implements CallConnection {
  readonly openedAt: number;
  /** What the handshake of TLS took. */
  private readonly bytesAtOpening: number;
  private isDraining = false;
  /** Since when a FIN has been on its way to the client. */
  private leftAt?: number;
  private readonly calls = new Set<RunningCall>();
  /** No call may be about to come in from here on. */
  private quietAt?: number;

  constructor(
    readonly socket: Socket,
    private readonly watcher: ConnectionWatcher,
  ) {
    this.openedAt = watcher.now();
    this.bytesAtOpening = socket.bytesRead;
  }

  /** How many calls are being executed. Events do not count: a client that goes on sending them would never be idle. */
  get running(): number {
    return this.calls.size;
  }

  /** Reports whether a FIN has been sent. */
  get hasLeft(): boolean {
    return this.leftAt !== undefined;
  }

  callBegins(call: RunningCall): void {
    this.calls.add(call);
  }

  callEnded(call: RunningCall): void {
    this.calls.delete(call);
    if (this.running > 0) return;
    // While draining, once: one who is asked over and over, such as for a ping that is served, would never be quiet.
    if (!this.isDraining || this.quietAt === undefined) this.quietAt = this.watcher.now() + lingerMs;
    this.watcher.rests(this);
  }

  /** Draining has begun. */
  drains(): void {
    this.isDraining = true;
    if (this.running > 0) this.quietAt = undefined;
    else if (this.socket.bytesRead === this.bytesAtOpening) this.quietAt = this.openedAt + lingerMs;
  }

  /** Its client has gone: nobody reads what its calls still answer. */
  gone(): void {
    for (const call of this.calls) call.abandon();
  }

  /** How long it must be left open though no call runs, ms. */
  get lingersMs(): number {
    return Math.max(0, (this.quietAt ?? -Infinity) - this.watcher.now());
  }

  /** Reports whether its client has yet to read answers. */
  get isUnread(): boolean {
    return this.socket.writableNeedDrain;
  }

  /** Says something that answers no call, in the framing of Nest's `JsonSocket`. */
  say(id: Notice): void {
    if (!this.socket.writable || this.hasLeft) return;
    const packet = JSON.stringify({ id, isDisposed: true });
    this.socket.write(`${packet.length}#${packet}`);
  }

  /**
   * Sends a FIN behind all answers. The connection is read on until the client has sent its own: events that it wrote
   * before are executed.
   */
  leave(): void {
    const { socket } = this;
    this.leftAt = this.watcher.now();
    socket.end();
    // What is written after a FIN destroys a socket, and with it what has not been read. A call that crossed the FIN
    // is not executed, and its answer goes nowhere.
    socket.write = discard;
  }
}

/** Takes the place of a socket's `write()`. */
function discard(...args: unknown[]): boolean {
  const written = args.at(-1);
  if (typeof written === 'function') setImmediate(written as () => void);
  return true;
}
