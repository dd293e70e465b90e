import { request, type Agent, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { type Exchange, type Fault } from './clients/client.js';

/**
 * One kind of request, and the answer that is right for it.
 *
 * @publicApi
 */
export interface DrillRequest {
  /** In capitals: `GET`. */
  readonly method: string;
  /** With its query, if it has one. */
  readonly path: string;
  /** Headers to send. @default none but `Host`, and the length of the body */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body to send. @default none */
  readonly body?: string | Buffer;
  /** Its share of the mix, a positive whole number. @default 1 */
  readonly weight?: number;
  /** Which answer is right. @default any status of 200 to 299, with any body, as long as it is whole */
  readonly expect?: {
    /** @default any of 200 to 299 */
    readonly status?: number;
    /** The exact text, the exact length in bytes, or a test of the bytes. @default any body, as long as it is whole */
    readonly body?: string | number | ((body: Buffer) => boolean);
  };
}

/**
 * One kind of request of a mix.
 *
 * @publicApi
 */
export interface RequestSpec extends DrillRequest {
  /** What failures are reported under. */
  readonly name: string;
  /** Makes each request anew, in the place of what is said here; `number` is that of no other. */
  readonly make?: (number: number) => DrillRequest;
}

/** Sends the request of this number; one that cannot be made is a fault of its own. */
export async function sendMade(
  { make, ...spec }: RequestSpec,
  number: number,
  send: (request: RequestSpec) => Promise<Exchange>,
): Promise<Exchange> {
  let made: RequestSpec;
  try {
    made = make ? { ...make(number), name: spec.name } : spec;
  } catch (error) {
    return { fault: { kind: 'other', detail: `make() failed: ${String(error)}` }, reusedConnection: false };
  }
  return send(made);
}

export interface ExchangeOptions {
  /** Whose connection is used; `false` opens one for this request alone, and says so to the server. */
  readonly agent: Agent | false;
  /** The origin; a request whose path is a whole URL goes there instead. */
  readonly url: string;
  readonly timeoutMs: number;
  /** Ends it before its outcome is known, as `other`. */
  readonly signal?: AbortSignal;
}

/** Sends one request, once, and resolves to what became of it. Never rejects. */
export function exchange(spec: RequestSpec, { agent, url, timeoutMs, signal }: ExchangeOptions): Promise<Exchange> {
  return new Promise((resolve) => {
    let begun = false;
    let localPort: number | undefined;
    const target = new URL(spec.path, url);
    const send = target.protocol === 'https:' ? tlsRequest : request;
    const outgoing = send(target, { agent, method: spec.method, headers: spec.headers, signal });
    const settle = (fault?: Fault): void => {
      clearTimeout(overdue);
      // A connection on which something went wrong is not used again.
      if (fault && !fault.kind.startsWith('status-')) outgoing.destroy();
      resolve({ fault, reusedConnection: outgoing.reusedSocket, localPort });
    };
    const overdue = setTimeout(() => settle({ kind: 'timed-out' }), timeoutMs);

    outgoing.once('socket', (socket) => {
      const notePort = (): void => void (localPort = socket.localPort);
      if (!socket.connecting) return notePort();
      socket.once('connect', notePort);
      // Between a FIN that was received and the socket's 'close' the agent would still hand the connection out.
      socket.once('end', () => socket.destroy());
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => settle(begun ? faultInBody(error) : faultOf(error)));
    outgoing.once('response', (answer) => {
      begun = true;
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', (error: NodeJS.ErrnoException) => settle(faultInBody(error)));
      answer.once('end', () => {
        settle(judge(spec, answer.statusCode ?? 0, isWhole(answer, spec.method), Buffer.concat(chunks)));
      });
    });
    outgoing.end(spec.body);
  });
}

/** What is wrong with an answer that has ended. */
export function judge({ expect }: RequestSpec, status: number, isWhole: boolean, body: Buffer): Fault | undefined {
  if (!isWhole) return { kind: 'cut-short' };
  const right = expect?.status === undefined ? status >= 200 && status <= 299 : status === expect.status;
  if (!right) return { kind: `status-${status}` };
  if (matches(body, expect?.body)) return undefined;
  return { kind: typeof expect?.body === 'number' ? 'wrong-length' : 'wrong-body', detail: `${body.length} bytes` };
}

/** Reports whether the end of an answer was seen, rather than the end of the connection. */
function isWhole(answer: IncomingMessage, method: string): boolean {
  const bodiless = method === 'HEAD' || answer.statusCode === 204 || answer.statusCode === 304;
  const framed = 'content-length' in answer.headers || 'transfer-encoding' in answer.headers;
  return answer.complete && (bodiless || framed);
}

/** Reports whether a whole body is the one that was expected. */
export function matches(body: Buffer, expected: NonNullable<RequestSpec['expect']>['body']): boolean {
  if (expected === undefined) return true;
  if (typeof expected === 'number') return body.length === expected;
  if (typeof expected === 'string') return body.equals(Buffer.from(expected));
  return expected(body);
}

/**
 * What goes wrong after the head has come. Bytes behind the end of the body are no part of a next answer: none was
 * asked for.
 */
function faultInBody({ code }: NodeJS.ErrnoException): Fault {
  return { kind: code?.startsWith('HPE_') ? 'wrong-length' : 'cut-short', detail: code };
}

/** What goes wrong before the head has come. */
export function faultOf({ code = '', message }: NodeJS.ErrnoException): Fault {
  if (code === 'ECONNREFUSED') return { kind: 'refused' };
  if (code === 'ECONNRESET' || code === 'EPIPE') return { kind: 'reset', detail: message };
  if (code.startsWith('HPE_')) return { kind: 'malformed', detail: code };
  return { kind: 'other', detail: code || message };
}
