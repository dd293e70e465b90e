import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type Socket } from 'node:net';
import { type RequestHead } from '../admission/admission.js';
import { setImmediate } from '../sequence/timers.js';
import { type Clock } from '../sequence/clock.js';
import { drainingCode, refusalMessage } from '../words/refusal.js';
import { corsHeaders, preflightAnswer } from './cors.js';
import { acceptsEventStream } from './event-stream-request.js';
import { lateEventStream } from './late-event-stream.js';
import { type ResolvedLateRequestOptions } from './late-request-options.js';
import { closeInStages } from './staged-close.js';
import { type WholeAnswer } from './whole-answer.js';

/** An upload is read this far before it is refused, so that its client reads the answer instead of getting EPIPE. */
const bodyBytesMax = 1024 * 1024;
const bodyMs = 500;

/** RFC 9113 §7: the stream is closed because all has been said. */
const noError = 0;

/** What a client of a message transport gets: the shape of Nest's own errors there, and a code to tell it by. */
export const messageRefusal = { status: 'error', code: drainingCode, message: refusalMessage } as const;

export interface RefusalParts {
  readonly clock: Clock;
  /** After which an `EventSource` is told to come back, ms. @default retryAfterSeconds */
  readonly eventStreamRetryMs?: number;
  /** Hears of each late request that is refused. */
  refused(): void;
}

/**
 * What a late arrival gets, whichever way it has come: the status, `Retry-After`, and a JSON body of Nest's shape. An
 * `EventSource` gets an empty stream instead.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-503-service-unavailable
 */
export class Refusals {
  private readonly refusal: WholeAnswer;

  constructor(
    readonly options: ResolvedLateRequestOptions,
    private readonly parts: RefusalParts,
  ) {
    const { statusCode, retryAfterSeconds } = options;
    const body = JSON.stringify(this.bodyObject);
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

  /** The body, in the shape in which Nest answers errors. */
  get bodyObject(): { readonly message: string; readonly error: string; readonly statusCode: number } {
    const { statusCode } = this.options;
    return { message: refusalMessage, error: STATUS_CODES[statusCode] ?? 'Error', statusCode };
  }

  /**
   * The answer to a late request, without the headers that belong to its connection, and with the body that one to
   * `HEAD` leaves out.
   */
  answerTo(request: RequestHead): WholeAnswer {
    if (acceptsEventStream(request)) {
      const { origin } = request.headers;
      const { eventStreamRetryMs = this.options.retryAfterSeconds * 1_000 } = this.parts;
      return lateEventStream(typeof origin === 'string' ? origin : undefined, eventStreamRetryMs);
    }
    const { cors } = this.options;
    const { refusal } = this;
    return (
      preflightAnswer(request, cors) ?? { ...refusal, headers: { ...refusal.headers, ...corsHeaders(request, cors) } }
    );
  }

  /** A late piece of work has been refused by somebody else, in words of ours. */
  count(): void {
    this.parts.refused();
  }

  /**
   * Refuses a request of HTTP/1.1, and says `Connection: close` no more than any other answer does. Requests that came
   * in one chunk with it are seen first, so that all of them are answered.
   */
  refuse(exchange: Refusable, isBodyHeldBack: boolean): void {
    this.parts.refused();
    setImmediate(() => {
      const { request } = exchange;
      if (isBodyHeldBack || request.complete || request.destroyed) return this.send(exchange);
      this.readBody(exchange);
    });
  }

  /** Refuses an upgrade, for which Node gives no response object. */
  refuseUpgrade(socket: Socket): void {
    this.parts.refused();
    const { statusCode, headers, body } = this.refusal;
    const head = [
      `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`,
      'Connection: close',
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    socket.on('error', () => undefined);
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    closeInStages(socket, this.parts.clock);
  }

  /** Refuses a stream of HTTP/2. */
  refuseStream(stream: ServerHttp2Stream, head: IncomingHttpHeaders): void {
    if (stream.destroyed || stream.headersSent) return;
    this.parts.refused();
    const method = String(head[':method'] ?? '');
    const { statusCode, headers, body } = this.answerTo({ method, headers: head });
    stream.on('error', () => undefined);
    stream.respond({ ':status': statusCode, ...headers });
    stream.end(method === 'HEAD' ? undefined : body);
    // The rest of an upload is not needed: the answer is whole without it (RFC 9113 §8.1). A stream without one closes
    // by itself; to close it here would, on Node 26, take back a head that ends it.
    if (!stream.endAfterHeaders) stream.once('finish', () => stream.close(noError));
    stream.resume();
  }

  private readBody(exchange: Refusable): void {
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
    const timer = this.parts.clock.after(bodyMs, answer);
    request.on('data', count).once('end', answer).once('close', answer);
    request.on('error', () => undefined);
  }

  private send({ request, response }: Refusable): void {
    if (response.headersSent || response.destroyed) return;
    const { statusCode, headers, body } = this.answerTo(request);
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.statusCode = statusCode;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

/** A request of HTTP/1.1 and its response. */
export interface Refusable {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}
