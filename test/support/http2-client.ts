import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';

/** What became of a stream. `refused` is safe to send again: the server has said that it was not executed. */
export interface StreamEnd {
  readonly outcome: 'answered' | 'refused' | 'reset';
  readonly status?: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The code of RST_STREAM, where one came. */
  readonly code: number;
}

/** A strict HTTP/2 client on one session: it sends nothing again, and keeps what the server says of the session. */
export class Http2Client {
  /** The `lastStreamId` of each GOAWAY, in the order in which they came. */
  readonly goaways: number[] = [];
  readonly closed: Promise<void>;

  private constructor(readonly session: ClientHttp2Session) {
    session.on('goaway', (_code, lastStreamId) => this.goaways.push(lastStreamId));
    session.on('error', () => undefined);
    this.closed = new Promise((resolve) => session.once('close', () => resolve()));
  }

  static async connect(url: string): Promise<Http2Client> {
    const session = connect(url, { rejectUnauthorized: false });
    await once(session, 'connect');
    // The server's settings: from here on it has spoken.
    await once(session, 'remoteSettings');
    return new Http2Client(session);
  }

  /** Opens a stream. `body` is sent whole; without one the stream is left open for writing when `isOpen`. */
  open(path: string, headers: Record<string, string> = {}, body?: string, isOpen = false): ClientHttp2Stream {
    const stream = this.session.request(
      { ':path': path, ':method': body === undefined && !isOpen ? 'GET' : 'POST', ...headers },
      { endStream: body === undefined && !isOpen },
    );
    if (body !== undefined) stream.end(body);
    return stream;
  }

  request(path: string, headers?: Record<string, string>, body?: string): Promise<StreamEnd> {
    return ended(this.open(path, headers, body));
  }

  /** Ends the session from this side. */
  destroy(): void {
    this.session.destroy();
  }
}

/** Resolves when the stream has closed, whichever way. */
export function ended(stream: ClientHttp2Stream): Promise<StreamEnd> {
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders = {};
    let body = '';
    let isWhole = false;
    stream.setEncoding('utf8');
    stream.on('response', (received) => (headers = received));
    stream.on('data', (chunk: string) => (body += chunk));
    stream.on('end', () => (isWhole = true));
    stream.on('error', () => undefined);
    stream.once('close', () => {
      const code = stream.rstCode ?? constants.NGHTTP2_NO_ERROR;
      const status = headers[':status'] as number | undefined;
      const isAnswered = code === constants.NGHTTP2_NO_ERROR && status !== undefined && isWhole;
      const outcome = isAnswered ? 'answered' : code === constants.NGHTTP2_REFUSED_STREAM ? 'refused' : 'reset';
      resolve({ outcome, status, headers, body, code });
    });
  });
}
