import { notices } from '../words/tcp-notices.js';
import { connectionClosed, isConnectionClosed, isDraining } from './refusal.js';

/** What Nest's client calls with each packet of an answer. */
export type Callback = (packet: { readonly err?: unknown; readonly isDisposed?: boolean }) => unknown;

/** The socket of Nest's client, as every `socketClass` has it. */
export interface TcpSocket {
  readonly netSocket: {
    readonly readyState?: string;
    on(event: string, listener: (value: unknown) => void): unknown;
    prependListener(event: string, listener: () => void): unknown;
  };
  end(): unknown;
}

/** What a connection tells the client it belongs to. */
export interface ConnectionOwner {
  /** Its server drains: nothing further is sent by it. */
  left(): void;
  /** Listeners of its close are about to be called. */
  closes(): void;
  /** All others have been called. */
  closed(): void;
  /** Reports whether the client writes to another one by now. */
  isReplaced(): boolean;
}

/** One call that waits for its answer. */
export interface Call {
  id?: string;
  readonly answer: Callback;
  end(): void;
}

/** One connection of a client, the calls that were sent by it, and what its server has said of its end. */
export class ClientConnection {
  /** Those that have not been answered, by their number in the order in which they were sent. */
  private readonly calls = new Map<number, Call>();
  private sent = 0;
  private hasLeft = false;
  private hasEnded = false;
  /** What was sent after this number has not been, and will not be, executed: what is sent in order is read so. */
  private executedUpTo = Infinity;

  constructor(
    private readonly socket: TcpSocket,
    private readonly owner: ConnectionOwner,
  ) {
    const { netSocket } = socket;
    netSocket.on('message', (message) => this.hear(message));
    netSocket.prependListener('close', () => owner.closes());
    netSocket.on('close', () => owner.closed());
  }

  /** A call is about to be sent. */
  begin(callback: Callback): Call {
    const number = ++this.sent;
    const end = () => {
      if (this.calls.delete(number)) this.endIfDone();
    };
    const answer: Callback = (packet) => {
      const { err } = packet;
      const isLost = isConnectionClosed(err);
      if (err || packet.isDisposed) end();
      if (isDraining(err)) this.refusedFrom(number);
      return callback(isLost ? { ...packet, err: connectionClosed(number > this.executedUpTo) } : packet);
    };
    const call: Call = { answer, end };
    this.calls.set(number, call);
    return call;
  }

  /** Closes it, from this end, when nothing is sent by it any longer and everything has been answered. */
  endIfDone(): void {
    if (!this.hasLeft || this.hasEnded || this.calls.size > 0 || !this.owner.isReplaced()) return;
    this.hasEnded = true;
    this.socket.end();
  }

  /** The ids of the calls that wait for an answer. */
  unanswered(): string[] {
    return Array.from(this.calls.values(), ({ id }) => id).filter((id) => id !== undefined);
  }

  /** It has closed: nobody answers any longer. */
  failCalls(): void {
    for (const { answer } of [...this.calls.values()]) answer({ err: new Error('Connection closed') });
  }

  private hear(message: unknown): void {
    const { id } = (message ?? {}) as { id?: unknown };
    if (id === notices.leave) this.leave();
    // What is unanswered by now was not read before the server said so.
    else if (id === notices.closing) this.refusedFrom(0);
  }

  private refusedFrom(number: number): void {
    this.executedUpTo = Math.min(this.executedUpTo, number);
    this.leave();
  }

  private leave(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.owner.left();
    this.endIfDone();
  }
}
