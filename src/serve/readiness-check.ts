import { request as httpRequest } from 'node:http';
import { connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo } from 'node:net';
import { type Clock, type ClockTimer } from '../sequence/clock.js';
import { type Scheme } from './protocol.js';

/** What a worker is ready by: it listens; it has said `process.send('ready')`; or a path answers 2xx. */
export type Readiness = 'listening' | 'message' | { readonly path: string };

/** Where a worker listens in private. */
export interface PrivateServer {
  readonly at: AddressInfo | string;
  readonly scheme: Scheme;
}

/** How often a worker is asked, ms. */
const askEveryMs = 100;
/** An answer is waited for so long, ms. */
const answerWithinMs = 5_000;

/** Finds out when a worker is ready. */
export class ReadinessCheck {
  private readonly servers: PrivateServer[] = [];
  private timer?: ClockTimer;
  private isOver = false;
  private isAsking = false;
  private found = 'it has not listened yet';

  constructor(
    private readonly readiness: Readiness,
    private readonly clock: Clock,
    private readonly ready: () => void,
    private readonly ask: typeof askServer = askServer,
  ) {}

  /** What it has come to. */
  get standing(): string {
    return this.found;
  }

  listens(server: PrivateServer): void {
    this.servers.push(server);
    if (this.readiness === 'listening') return this.end();
    if (this.readiness === 'message') this.found = "it listens, and has not said process.send('ready')";
    else if (!this.isAsking) void this.askAll(this.readiness.path);
  }

  /** It has said `ready`. */
  said(): void {
    if (typeof this.readiness !== 'object') this.end();
  }

  /** It may not listen where it wants to. */
  refused(why: string): void {
    this.found = why;
  }

  cancel(): void {
    this.isOver = true;
    this.timer?.cancel();
  }

  private end(): void {
    if (this.isOver) return;
    this.cancel();
    this.ready();
  }

  /** The servers may be several, and one of them has the path. */
  private async askAll(path: string): Promise<void> {
    if (this.isOver) return;
    this.isAsking = true;
    const answers = await Promise.all(this.servers.map((server) => this.ask(server, path)));
    if (answers.some((answer) => typeof answer === 'number' && answer >= 200 && answer < 300)) return this.end();
    this.found = `${path} answers ${answers.join(', ')}`;
    if (!this.isOver) this.timer = this.clock.after(askEveryMs, () => void this.askAll(path));
  }
}

/** Asks one server. Resolves with the status, or with what went wrong. */
export function askServer({ at, scheme }: PrivateServer, path: string): Promise<number | string> {
  if (scheme === 'other') return Promise.resolve('nothing: it is no HTTP server');
  const isSecure = scheme.startsWith('https');
  const where = typeof at === 'string' ? { socketPath: at } : { host: at.address, port: at.port };
  if (scheme.endsWith('2')) return askHttp2(at, isSecure, path);
  return new Promise((resolve) => {
    const request = isSecure ? httpsRequest : httpRequest;
    const options = { ...where, path, agent: false as const, rejectUnauthorized: false, timeout: answerWithinMs };
    const sent = request(options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.once('timeout', () => sent.destroy(new Error('nothing in time')));
    sent.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end();
  });
}

function askHttp2(at: AddressInfo | string, isSecure: boolean, path: string): Promise<number | string> {
  return new Promise((resolve) => {
    const options = { rejectUnauthorized: false, ...(typeof at === 'string' ? { path: at } : { port: at.port }) };
    const session = connect(`${isSecure ? 'https' : 'http'}://127.0.0.1`, options);
    const end = (answer: number | string) => {
      session.destroy();
      resolve(answer);
    };
    session.setTimeout(answerWithinMs, () => end('nothing in time'));
    session.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    const stream = session.request({ ':path': path });
    stream.once('response', (headers) => end(Number(headers[':status'])));
    stream.once('error', () => undefined);
    stream.end();
  });
}
