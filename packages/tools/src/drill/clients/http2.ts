import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { judge, faultOf, sendMade, type RequestSpec } from '../exchange.js';
import { type Client, type Connection, type Exchange, type Fault, type Sending } from './client.js';
import { outcomeWithin, type Settle } from './outcome-within.js';
import { type HttpClientOptions } from './http1.js';

const { NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;
/** HTTP/2 has no such headers; the body's length is told by its frames. */
const forbidden: ReadonlySet<string> = new Set(['connection', 'host', 'keep-alive', 'transfer-encoding', 'upgrade']);

/**
 * HTTP/2, by prior knowledge where the URL is plain (h2c), and by ALPN over TLS. A connection has many requests at a
 * time. One that is told to go away gets no more. A stream that met `REFUSED_STREAM`, or that `GOAWAY` left out, was not
 * executed.
 */
export class Http2Client implements Client {
  readonly requests: readonly RequestSpec[];
  readonly isShared = true;

  constructor(private readonly options: HttpClientOptions) {
    this.requests = options.requests;
  }

  connect(): Connection {
    return new Http2Connection(this.options);
  }
}

interface Session {
  readonly http2: ClientHttp2Session;
  isLeft: boolean;
  localPort?: number;
  /** What it failed with. Its streams are told less. */
  error?: NodeJS.ErrnoException;
}

class Http2Connection implements Connection {
  private session?: Session;

  constructor(private readonly options: HttpClientOptions) {}

  send({ number, request, signal }: Sending): Promise<Exchange> {
    return sendMade(this.options.requests[request]!, number, (spec) => this.sendOne(spec, signal));
  }

  private async sendOne(spec: RequestSpec, signal: AbortSignal): Promise<Exchange> {
    const reusedConnection = this.session !== undefined && isOpen(this.session);
    const session = reusedConnection ? this.session! : (this.session = this.open());
    const { timeoutMs, url } = this.options;
    const fault = await outcomeWithin(timeoutMs, signal, (settle) => {
      let stream: ClientHttp2Stream;
      try {
        stream = session.http2.request(headersOf(spec, url), { endStream: spec.body === undefined });
      } catch (error) {
        // It went away since it was looked at, and nothing was sent.
        return void settle({ kind: 'reset', detail: (error as NodeJS.ErrnoException).code, isUnseen: true });
      }
      if (spec.body !== undefined) stream.end(spec.body);
      this.follow(stream, spec, session, settle);
      return () => stream.close(constants.NGHTTP2_CANCEL);
    });
    return { fault, reusedConnection, localPort: session.localPort };
  }

  close(): void {
    this.session?.http2.destroy();
  }

  private follow(stream: ClientHttp2Stream, spec: RequestSpec, session: Session, settle: Settle): void {
    let headers: IncomingHttpHeaders | undefined;
    let hasEnded = false;
    const chunks: Buffer[] = [];
    stream.once('response', (received) => (headers = received));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => (hasEnded = true));
    stream.on('error', () => undefined);
    stream.once('close', () => {
      const code = stream.rstCode ?? NGHTTP2_NO_ERROR;
      if (code === NGHTTP2_REFUSED_STREAM) {
        // https://www.rfc-editor.org/rfc/rfc9113#section-8.7
        return settle({ kind: 'refused', detail: 'REFUSED_STREAM', isUnseen: true });
      }
      const body = Buffer.concat(chunks);
      const status = headers === undefined ? 0 : Number(headers[':status']);
      const length = headers?.['content-length'];
      const isWhole = hasEnded && code === NGHTTP2_NO_ERROR && !stream.aborted;
      if (status === 0) return settle(withoutHead(session, code));
      if (isWhole && length !== undefined && spec.method !== 'HEAD' && Number(length) !== body.length) {
        return settle({ kind: 'cut-short', detail: `${body.length} of ${length} bytes` });
      }
      settle(judge(spec, status, isWhole, body));
    });
  }

  private open(): Session {
    const { url, insecure = false } = this.options;
    const { origin, hostname, port, protocol } = new URL(url);
    const isTls = protocol === 'https:';
    const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (isTls ? 443 : 80) };
    const socket = isTls
      ? connectTls({ ...address, ALPNProtocols: ['h2'], rejectUnauthorized: !insecure, servername: nameOf(hostname) })
      : connectTcp(address);
    const http2 = connect(origin, { createConnection: () => socket });
    const session: Session = { http2, isLeft: false };
    socket.once('connect', () => (session.localPort = socket.localPort));
    socket.on('error', (error: NodeJS.ErrnoException) => (session.error ??= error));
    http2.on('error', (error: NodeJS.ErrnoException) => (session.error ??= error));
    // The streams of before are finished; the next request opens a session of its own.
    http2.once('goaway', () => (session.isLeft = true));
    return session;
  }
}

function isOpen({ http2, isLeft }: Session): boolean {
  return !isLeft && !http2.closed && !http2.destroyed;
}

/** An address is no name that TLS could be told. */
function nameOf(hostname: string): string | undefined {
  return isIP(hostname.replace(/^\[|\]$/g, '')) ? undefined : hostname;
}

function withoutHead({ error }: Session, code: number): Fault {
  // The peer does not speak HTTP/2 at all.
  if (error?.code === 'ERR_HTTP2_ERROR') return { kind: 'malformed', detail: error.message };
  if (error) return faultOf(error);
  return { kind: 'reset', detail: code === NGHTTP2_NO_ERROR ? undefined : `RST_STREAM ${code}` };
}

function headersOf({ method, path, headers = {} }: RequestSpec, url: string): OutgoingHttpHeaders {
  const { pathname, search } = new URL(path, url);
  const allowed = Object.entries(headers).filter(([name]) => !forbidden.has(name.toLowerCase()));
  return { ...Object.fromEntries(allowed), ':method': method, ':path': `${pathname}${search}` };
}
