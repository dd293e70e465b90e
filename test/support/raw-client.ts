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
