import { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';
import { type Held } from '../../in-flight/lease.js';

const key = Symbol('nestjs-drain.connection');

/** The connection of a socket, if a server of ours holds it. */
export function connectionOf(socket: Socket): Connection | undefined {
  return (socket as Socket & { [key]?: Connection })[key];
}

/** One request and its response, as their connection sees them. */
export interface Pending {
  readonly request: IncomingMessage;
  /** The next one on the same connection (pipelining), in order of arrival. */
  next?: Pending;
  /** Its head is out, and says close. */
  readonly saidClose: boolean;
  /**
   * Has its head say close, if `isWanted` when it is written and no other request has arrived behind this one by then.
   *
   * @param told is called when such a head is out
   */
  tellToLeave(isWanted: () => boolean, told: (connection: Connection) => void): void;
  endResponse(): void;
}

/**
 * An empty line between requests, which old clients send after a body, begins none.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-2.2
 */
const strayBytes = 2;

/** Whoever keeps connections hears of what becomes of them. */
export interface ConnectionOwner {
  /** The last response has ended, and nothing is coming in. */
  rested(connection: Connection): void;
  closed(connection: Connection): void;
}

/**
 * One client connection, and what is known of it. Kept small: an application may hold tens of thousands that do
 * nothing.
 *
 * `socket.bytesRead`, compared with its value when the last request had come in, tells an idle socket from one that has
 * begun to send a request, over TLS too. (Node keeps its parser's state to itself.)
 */
export class Connection {
  /** Opened at, or, once draining has begun, last busy at (whole ms). */
  idleSince: number;
  /** Its client has been told to leave: a head that says close is out. */
  isTold = false;
  /** A head that says close is out: what arrives behind it is not executed. */
  saidClose = false;
  /** A request had begun to arrive on it before new work was refused, and passes. */
  passesNext = false;
  /** No request has come in on it. */
  isFresh = true;
  isUpgraded = false;
  /** What holds the drain for as long as it is upgraded; nobody's once somebody else takes care of the socket. */
  upgrade?: Held = undefined;
  /** Bytes read when the last request had come in, as far as its head, or the end of its response, tells. */
  private mark: number;
  private first?: Pending = undefined;
  private last?: Pending = undefined;
  /** Bytes written when it was upgraded. */
  private writtenMark = 0;
  /** The body of an answered request is still coming in. */
  private isReceiving = false;

  constructor(
    readonly socket: Socket,
    readonly openedAt: number,
    private readonly owner: ConnectionOwner,
  ) {
    this.idleSince = Math.trunc(openedAt);
    this.mark = socket.bytesRead;
    (socket as Socket & { [key]?: Connection })[key] = this;
    hearOfClose(socket);
  }

  get isBusy(): boolean {
    return this.first !== undefined || this.isReceiving || this.isUpgraded;
  }

  /** Reports whether bytes of a request have come in that is not complete: half a head. */
  get hasBegunRequest(): boolean {
    return !this.isBusy && this.hasUnparsedBytes;
  }

  get isIdle(): boolean {
    return !this.isBusy && !this.hasUnparsedBytes;
  }

  /** Reports whether somebody has been asked to speak another protocol on it, and has not said a word. */
  get isUnanswered(): boolean {
    return this.upgrade !== undefined && this.socket.bytesWritten === this.writtenMark;
  }

  /** The exchange whose response comes last on the wire. */
  get lastExchange(): Pending | undefined {
    return this.last;
  }

  /** The exchanges that have not ended, in order of arrival. */
  *exchanges(): Iterable<Pending> {
    for (let each = this.first; each; each = each.next) yield each;
  }

  /** Reports whether a head that says close is out: what arrives from here on is not executed. */
  get isLeaving(): boolean {
    return this.saidClose || this.last?.saidClose === true;
  }

  began(exchange: Pending): void {
    if (this.last) this.last.next = exchange;
    else this.first = exchange;
    this.last = exchange;
    this.isFresh = false;
    this.mark = this.socket.bytesRead;
  }

  /** It has left the parser: somebody speaks another protocol on it. */
  upgraded(lease: Held): void {
    this.isUpgraded = true;
    this.upgrade = lease;
    this.writtenMark = this.socket.bytesWritten;
  }

  ended(exchange: Pending): void {
    if (exchange.saidClose) this.saidClose = true;
    this.unlink(exchange);
    if (this.first) return;
    const { request } = exchange;
    if (request.complete || this.socket.destroyed) return this.rest(request);
    // Answered before its body was in: Node reads the rest and drops it.
    this.isReceiving = true;
    request.once('close', () => {
      this.isReceiving = false;
      if (!this.first) this.rest(request);
    });
  }

  /** The socket has closed. Queued responses of a pipeline never hear of it themselves. */
  close(): void {
    this.isUpgraded = false;
    this.isReceiving = false;
    while (this.first) this.first.endResponse();
    this.owner.closed(this);
  }

  /** What has come in since a request without a body began belongs to the next one. */
  private rest(last: IncomingMessage): void {
    if (hasBody(last)) this.mark = this.socket.bytesRead;
    this.owner.rested(this);
  }

  private get hasUnparsedBytes(): boolean {
    return this.socket.bytesRead - this.mark > strayBytes;
  }

  private unlink(exchange: Pending): void {
    if (this.first === exchange) {
      this.first = exchange.next;
      if (!this.first) this.last = undefined;
      return;
    }
    for (let each = this.first; each; each = each.next) {
      if (each.next !== exchange) continue;
      each.next = exchange.next;
      if (this.last === exchange) this.last = each;
      return;
    }
  }
}

/**
 * Has the connection hear of the close of its socket. The listener is added when the socket is destroyed, and no
 * sooner: Node adds one of its own for each request, and with a third in it the array of listeners grows to twenty
 * places, 170 bytes that stay on every idle connection.
 */
function hearOfClose(socket: Socket): void {
  if (Object.hasOwn(socket, 'destroy')) socket.once('close', closeConnection);
  else socket.destroy = destroyAndHear;
}

function destroyAndHear(this: Socket, error?: Error): Socket {
  if (!this.destroyed) this.once('close', closeConnection);
  return (Object.getPrototypeOf(this) as Socket).destroy.call(this, error);
}

/** One listener for all sockets. */
function closeConnection(this: Socket): void {
  connectionOf(this)?.close();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}
