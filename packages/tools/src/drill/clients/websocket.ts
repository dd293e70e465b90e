import { WebSocket } from 'ws';
import { faultOf, matches, sendMade, type RequestSpec } from '../exchange.js';
import { sleep } from '../timing.js';
import {
  type Client,
  type ClientEars,
  type ClientOf,
  type Connection,
  type Exchange,
  type Fault,
  type Sending,
} from './client.js';
import { outcomeWithin, type Settle } from './outcome-within.js';
import { type HttpClientOptions } from './http1.js';
import { UniqueIds, withId } from './unique.js';

/** What a server says that is taken away: going away, and service restart. */
const leavingCodes: readonly number[] = [1001, 1012];
/** What is sent when the request does not say. */
const defaultMessage = 'drill {{id}}';

/**
 * Messages over WebSockets, one at a time on each: the next one that comes is the answer, an echo if the request does
 * not say otherwise. A connection that the server ends with anything but 1001 or 1012 is a failure: that of the message
 * under way, or one of its own. What comes unasked doubles the answer before it.
 */
export function webSocketClient(options: HttpClientOptions): ClientOf {
  return (ears) => new WebSocketClient(options, ears);
}

class WebSocketClient implements Client {
  readonly requests: readonly RequestSpec[];
  readonly isShared = false;
  private readonly sockets = new Set<Socket>();
  private readonly ids = new UniqueIds();

  constructor(
    private readonly options: HttpClientOptions,
    private readonly ears: ClientEars,
  ) {
    this.requests = options.requests;
  }

  connect(): Connection {
    let socket: Socket | undefined;
    const ask = async (spec: RequestSpec, sending: Sending): Promise<Exchange> => {
      const reusedConnection = socket?.isOpen === true;
      const used = reusedConnection ? socket! : (socket = this.open(spec, sending.request));
      const fault = await used.ask(spec, this.ids.of(sending.number), sending, this.options.timeoutMs);
      return { fault, reusedConnection, localPort: used.localPort };
    };
    return {
      send: (sending) => sendMade(this.requests[sending.request]!, sending.number, (spec) => ask(spec, sending)),
      close: () => socket?.leave(),
    };
  }

  /** Every answer that was sent before the server's own end has come then. */
  async settle(signal: AbortSignal): Promise<void> {
    for (const socket of this.sockets) socket.leave();
    const settled = new AbortController();
    const overdue = sleep(this.options.timeoutMs, AbortSignal.any([signal, settled.signal]));
    await Promise.race([overdue, Promise.all([...this.sockets].map(({ closed }) => closed))]);
    settled.abort();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.end();
  }

  private open({ path, headers }: RequestSpec, request: number): Socket {
    const { url, insecure = false } = this.options;
    const socket = new Socket(new URL(path, url), { headers, rejectUnauthorized: !insecure }, request, this.ears);
    this.sockets.add(socket);
    void socket.closed.then(() => this.sockets.delete(socket));
    return socket;
  }
}

/** What a socket waits for. */
interface Awaited {
  readonly isAnswer: (message: Buffer) => boolean;
  readonly settle: Settle;
}

class Socket {
  localPort?: number;
  readonly closed: Promise<void>;
  private readonly webSocket: WebSocket;
  private awaited?: Awaited;
  private answered?: { readonly number: number; readonly message: Buffer };
  private failure?: Fault;
  private isLeft = false;

  constructor(
    url: URL,
    options: { readonly headers?: Readonly<Record<string, string>>; readonly rejectUnauthorized: boolean },
    request: number,
    private readonly ears: ClientEars,
  ) {
    this.webSocket = new WebSocket(url, {
      ...options,
      perMessageDeflate: false,
      finishRequest: (outgoing) => {
        outgoing.once('socket', (socket) => socket.once('connect', () => (this.localPort = socket.localPort)));
        outgoing.end();
      },
    });
    this.webSocket.on('unexpected-response', (outgoing, { statusCode = 0 }) => {
      this.failure = { kind: `status-${statusCode}` };
      outgoing.destroy();
      this.webSocket.terminate();
    });
    this.webSocket.on('error', (error) => (this.failure ??= faultOf(error)));
    this.webSocket.on('message', (message: Buffer) => this.hear(message));
    this.closed = new Promise((resolve) => {
      this.webSocket.once('close', (code) => {
        this.hearClose(code, request);
        resolve();
      });
    });
  }

  get isOpen(): boolean {
    return this.webSocket.readyState === WebSocket.OPEN;
  }

  /** Resolves to what was wrong. Whatever it is, the socket is not used again. */
  ask(spec: RequestSpec, id: string, { number, signal }: Sending, timeoutMs: number): Promise<Fault | undefined> {
    const message = withId(typeof spec.body === 'string' ? spec.body : defaultMessage, id);
    const { body = message } = spec.expect ?? {};
    const expected = typeof body === 'string' ? withId(body, id) : body;
    return outcomeWithin(timeoutMs, signal, (settle) => {
      this.awaited = {
        isAnswer: (answer) => {
          const isRight = matches(answer, expected);
          if (isRight) this.answered = { number, message: answer };
          return isRight;
        },
        settle,
      };
      if (this.isOpen) this.webSocket.send(message);
      else this.webSocket.once('open', () => this.webSocket.send(message));
      return (fault) => {
        this.awaited = undefined;
        if (fault) this.end();
      };
    });
  }

  /** Ends it, and hears what comes until the server has ended it, too. */
  leave(): void {
    this.isLeft = true;
    this.webSocket.close(1000);
  }

  /** Ends it at once. */
  end(): void {
    this.isLeft = true;
    this.webSocket.terminate();
  }

  private hear(message: Buffer): void {
    const { awaited, answered } = this;
    if (awaited?.isAnswer(message)) return awaited.settle();
    if (answered && (!awaited || message.equals(answered.message))) {
      return this.ears.late(answered.number, { kind: 'twice', detail: 'answered twice' });
    }
    awaited?.settle({ kind: 'wrong-body', detail: `${message.length} bytes` });
  }

  private hearClose(code: number, request: number): void {
    const fault: Fault = this.failure ?? { kind: 'bad-close', detail: `closed with ${code}` };
    if (this.awaited) {
      // It has said that it leaves, and has left the message unanswered all the same.
      const isLeaving = leavingCodes.includes(code);
      return this.awaited.settle(isLeaving ? { kind: 'reset', detail: `closed with ${code}` } : fault);
    }
    if (!this.isLeft && !leavingCodes.includes(code)) this.ears.besides(request, fault, this.localPort);
  }
}
