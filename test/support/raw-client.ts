import { type IncomingHttpHeaders, request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly body: unknown;
}

/** One request on a connection of its own, unless an agent is given. Rejects unless the answer is whole. */
export function request(url: string, options: RequestOptions & { body?: string | Buffer } = {}): Promise<Answer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const outgoing = send(url, { agent: false, ...rest, rejectUnauthorized: false } as RequestOptions, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (!response.complete) return reject(new Error('The answer was cut short.'));
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** One answer as it stood on the wire. */
export interface WireAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Reads the complete answers in `text`, in order. Every answer must have a length or be chunked; `HEAD` ones have no
 * body.
 */
export function answersIn(text: string, isHead = false): WireAnswer[] {
  const answers: WireAnswer[] = [];
  for (let rest = text; ;) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return answers;
    const [statusLine = '', ...lines] = rest.slice(0, headEnd).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const status = Number(statusLine.split(' ')[1]);
    const framed = isHead || status < 200 ? { body: '', length: 0 } : bodyOf(rest.slice(headEnd + 4), headers);
    if (!framed) return answers;
    answers.push({ status, headers, body: framed.body });
    rest = rest.slice(headEnd + 4 + framed.length);
  }
}

function bodyOf(text: string, headers: Record<string, string>): { body: string; length: number } | undefined {
  if (headers['transfer-encoding'] !== 'chunked') {
    const length = Number(headers['content-length']);
    return text.length < length ? undefined : { body: text.slice(0, length), length };
  }
  let body = '';
  for (let at = 0; ;) {
    const sizeEnd = text.indexOf('\r\n', at);
    if (sizeEnd < 0) return undefined;
    const size = parseInt(text.slice(at, sizeEnd), 16);
    at = sizeEnd + 2 + size + 2;
    if (text.length < at) return undefined;
    if (size === 0) return { body, length: at };
    body += text.slice(sizeEnd + 2, at - 2);
  }
}

/** A socket on which a test writes bytes of its own, and reads what comes back. */
export class RawClient {
  private received = '';
  private waiting: { test: (text: string) => boolean; resolve: (text: string) => void; reject: (e: Error) => void }[] =
    [];
  /** Settles with how the connection ended: `fin`, `reset`. */
  readonly ended: Promise<'fin' | 'reset'>;

  private constructor(readonly socket: Socket) {
    this.ended = new Promise((resolve) => {
      socket.once('end', () => resolve('fin'));
      socket.once('error', () => resolve('reset'));
    });
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      this.look();
    });
    socket.once('close', () => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error(`Closed after: ${this.received.slice(-400)}`));
    });
  }

  /** Over a socket that a test has opened itself. */
  static over(socket: Socket): RawClient {
    return new RawClient(socket);
  }

  static connect(port: number, protocol = 'http', allowHalfOpen = false): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket =
        protocol === 'https'
          ? tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(client))
          : connect({ port, host: '127.0.0.1', allowHalfOpen }, () => resolve(client));
      const client = new RawClient(socket);
      socket.once('error', reject);
    });
  }

  get text(): string {
    return this.received;
  }

  write(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** Resolves with all that was received once `test` holds for it. */
  until(test: (text: string) => boolean): Promise<string> {
    if (test(this.received)) return Promise.resolve(this.received);
    return new Promise((resolve, reject) => this.waiting.push({ test, resolve, reject }));
  }

  /** Resolves with the answers once `count` of them are complete. */
  async answers(count: number, isHead = false): Promise<WireAnswer[]> {
    return answersIn(await this.until((text) => answersIn(text, isHead).length >= count), isHead);
  }

  destroy(): void {
    this.socket.destroy();
  }

  private look(): void {
    this.waiting = this.waiting.filter(({ test, resolve }) => {
      if (!test(this.received)) return true;
      resolve(this.received);
      return false;
    });
  }
}
