import { STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { type Clock } from '../../sequence/clock.js';
import { acceptsEventStream, type RequestHead } from '../sse/event-stream-request.js';
import { lateEventStream } from '../sse/late-event-stream.js';
import { type Http1Exchange } from './http1-exchange.js';
import { closeInStages } from './staged-close.js';
import { type WholeAnswer } from './whole-answer.js';
import { setImmediate } from '../../sequence/timers.js';

/**
 * How a late request is answered.
 *
 * @publicApi
 */
export interface LateRequestAnswer {
  /** @default 503 */
  readonly statusCode?: number;
  /** `Retry-After`, whole seconds. @default 1 */
  readonly retryAfterSeconds?: number;
}

/** An upload is read this far before it is refused, so that its client reads the answer instead of getting EPIPE. */
const bodyBytesMax = 1024 * 1024;
const bodyMs = 500;

/**
 * Answers late requests: the status, `Retry-After`, `Connection: close` on the last of a connection, and a JSON body of Nest's shape.
 * An `EventSource` gets an empty stream instead.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-503-service-unavailable
 */
export class LateRequests {
  private readonly refusal: WholeAnswer;

  /** @param eventStreamRetryMs after which an `EventSource` is told to come back; `retryAfterSeconds` when left out */
  constructor(
    { statusCode, retryAfterSeconds }: Required<LateRequestAnswer>,
    private readonly clock: Clock,
    private readonly eventStreamRetryMs = retryAfterSeconds * 1_000,
  ) {
    const message = 'The server is shutting down';
    const body = JSON.stringify({ message, error: STATUS_CODES[statusCode] ?? 'Error', statusCode });
    this.refusal = {
      statusCode,
      headers: {
        'Retry-After': retryAfterSeconds,
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': Buffer.byteLength(body),
      },
      body,
    };
  }

  /** Refuses an exchange. Requests that came in one chunk with it are seen first, so that all of them are answered. */
  refuse(exchange: Http1Exchange, isBodyHeldBack: boolean): void {
    setImmediate(() => {
      const { request } = exchange;
      if (isBodyHeldBack || request.complete || request.destroyed) return this.send(exchange);
      this.readBody(exchange);
    });
  }

  /** Answers an upgrade, for which Node gives no response object. */
  refuseUpgrade(socket: Socket): void {
    const { statusCode, headers, body } = this.refusal;
    const head = [
      `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`,
      'Connection: close',
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    socket.on('error', () => undefined);
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    closeInStages(socket, this.clock);
  }

  private readBody(exchange: Http1Exchange): void {
    const { request } = exchange;
    let bytes = 0;
    const answer = () => {
      timer.cancel();
      request.off('data', count).off('end', answer).off('close', answer);
      request.resume();
      this.send(exchange);
    };
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) answer();
    };
    const timer = this.clock.after(bodyMs, answer);
    request.on('data', count).once('end', answer).once('close', answer);
    request.on('error', () => undefined);
  }

  private send(exchange: Http1Exchange): void {
    const { request, response, connection } = exchange;
    if (response.headersSent || response.destroyed) return;
    const { statusCode, headers, body } = this.answerTo(request);
    for (const name of response.getHeaderNames()) if (name !== 'connection') response.removeHeader(name);
    response.statusCode = statusCode;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (connection.lastExchange === exchange) exchange.tellToLeave();
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  /** The answer to a late request, without the headers that belong to its connection, and with the body that one to `HEAD` leaves out. */
  answerTo(request: RequestHead & { readonly headers: { readonly origin?: string } }): WholeAnswer {
    if (acceptsEventStream(request)) return lateEventStream(request.headers.origin, this.eventStreamRetryMs);
    return this.refusal;
  }
}
