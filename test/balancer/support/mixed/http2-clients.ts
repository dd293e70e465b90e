import { once, setMaxListeners } from 'node:events';
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { RequestMix } from '../../../../packages/tools/src/drill/request-mix.js';
import { sleep } from '../../../../packages/tools/src/drill/timing.js';
import { exchangeTimeoutMs, headersOf, Reader, send, type Exchange, type Fault } from './exchanges.js';
import { type KindOfClients } from './kind-of-clients.js';
import { Tally } from './tally.js';

export interface Http2ClientsOptions {
  readonly kind: string;
  readonly url: string;
  /** Each has one session at a time that takes new streams. */
  readonly clients: number;
  /** How many streams each has open at a time. */
  readonly streams: number;
  readonly thinkMs: number;
  readonly mix: readonly Exchange[];
}

/** After a failure, so that clients of an application that has gone do not spin. */
const afterFailureMs = 50;

/**
 * HTTP/2 clients that conform, and repair nothing else: a session that is told to leave gets no new stream and is
 * replaced, and its open streams have to finish. A stream that was refused (REFUSED_STREAM, or above the last id of a
 * GOAWAY, which is the same to Node) was not executed and is sent once more, on a new session: it has to be answered
 * there. Everything else is a failure, also a session that ends without a word.
 */
export class Http2Clients implements KindOfClients {
  readonly tallies: readonly [Tally];
  private readonly stopping = new AbortController();
  private running: readonly Promise<void>[] = [];

  constructor(private readonly options: Http2ClientsOptions) {
    this.tallies = [new Tally(options.kind)];
    setMaxListeners(0, this.stopping.signal);
  }

  start(): void {
    this.running = Array.from({ length: this.options.clients }, (_, client) => this.runOne(client));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  private async runOne(client: number): Promise<void> {
    const { url, streams, mix: exchanges } = this.options;
    const sessions = new Sessions(url, this.tallies[0]);
    const mix = new RequestMix(exchanges, client);
    await Promise.all(Array.from({ length: streams }, () => this.ask(sessions, mix)));
    await sessions.close();
  }

  private async ask(sessions: Sessions, mix: RequestMix<Exchange>): Promise<void> {
    const [tally] = this.tallies;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const exchange = mix.next();
      const sentAt = performance.now();
      let fault = await openStream(sessions, exchange);
      if (fault?.how === 'refused-stream') {
        tally.note('refused');
        fault = await openStream(sessions, exchange);
        if (!fault) tally.note('answered on a second session');
      }
      if (fault) tally.failed(fault.how, [exchange.path, fault.detail].join(' '));
      else tally.right(performance.now() - sentAt);
      await sleep(fault ? afterFailureMs : this.options.thinkMs, signal);
    }
  }
}

/** The sessions of one client, of which at most one takes new streams. */
export class Sessions {
  private current?: Promise<ClientHttp2Session>;
  private readonly told = new WeakSet<ClientHttp2Session>();
  private readonly open = new Set<ClientHttp2Session>();
  private isClosing = false;

  constructor(
    private readonly url: string,
    private readonly tally: Tally,
  ) {}

  /**
   * The one that takes new streams, which must be opened in the turn in which this resolves. Rejects when there is no
   * connection to be had.
   */
  async get(): Promise<ClientHttp2Session> {
    for (;;) {
      const attempt = (this.current ??= this.connect());
      const session = await attempt.catch((error: unknown) => {
        if (this.current === attempt) this.current = undefined;
        throw error;
      });
      if (!this.told.has(session) && !session.closed && !session.destroyed) return session;
      if (this.current === attempt) this.current = undefined;
    }
  }

  /** Closes them; what is open on them finishes. */
  async close(): Promise<void> {
    this.isClosing = true;
    const closed = [...this.open].map(async (session) => {
      session.close();
      if (!session.destroyed) await Promise.race([once(session, 'close'), sleep(1_000)]);
      session.destroy();
    });
    await Promise.all(closed);
  }

  private async connect(): Promise<ClientHttp2Session> {
    const session = connect(this.url, { rejectUnauthorized: false });
    let trouble = '';
    session.on('error', (error: Error) => (trouble = error.message));
    session.on('goaway', () => {
      if (!this.told.has(session)) this.tally.note('told to leave');
      this.told.add(session);
    });
    this.open.add(session);
    session.once('close', () => {
      this.open.delete(session);
      if (!this.told.has(session) && !this.isClosing) this.tally.failed('session-lost', trouble);
    });
    this.tally.note('sessions');
    await once(session, 'connect');
    return session;
  }
}

/** Sends one request on a stream and resolves to what went wrong with it, if anything. Never rejects. */
async function openStream(sessions: Sessions, exchange: Exchange): Promise<Fault> {
  let session: ClientHttp2Session;
  try {
    session = await sessions.get();
  } catch (error) {
    return { how: 'refused', detail: String(error) };
  }
  const { path, method } = exchange;
  const stream = session.request({ ':path': path, ':method': method, ...headersOf(exchange) }, { endStream: false });
  const reader = new Reader(exchange, stream);
  return new Promise((resolve) => {
    let status: number | undefined;
    let isWhole = false;
    let trouble = '';
    const overdue = setTimeout(() => {
      resolve({ how: 'timed-out', detail: `${reader.bytesSoFar} bytes` });
      stream.close(constants.NGHTTP2_CANCEL);
    }, exchangeTimeoutMs);
    stream.on('response', (headers: IncomingHttpHeaders) => (status = Number(headers[':status'])));
    stream.on('data', (chunk: Buffer) => reader.take(chunk));
    stream.once('end', () => (isWhole = true));
    stream.on('error', ({ message }: Error) => (trouble = message));
    stream.once('close', () => {
      clearTimeout(overdue);
      const code = stream.rstCode ?? constants.NGHTTP2_NO_ERROR;
      const detail = `code ${code}, ${reader.bytesSoFar} bytes, ${trouble}`;
      if (code === constants.NGHTTP2_REFUSED_STREAM) resolve({ how: 'refused-stream', detail });
      else if (status === undefined) resolve({ how: 'reset', detail });
      else if (code !== constants.NGHTTP2_NO_ERROR || !isWhole) resolve({ how: 'cut-short', detail });
      else resolve(reader.faultOf(status));
    });
    send(stream, exchange);
  });
}
