import { setMaxListeners } from 'node:events';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { connect, constants } from 'node:http2';
import { request as tlsRequest } from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import { sleep } from '../../../../packages/tools/src/drill/timing.js';
import { FrameTap } from './frame-tap.js';
import { type KindOfClients } from './kind-of-clients.js';
import { Tally } from './tally.js';

export interface EventClientsOptions {
  readonly kind: string;
  readonly url: string;
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  readonly clients: number;
}

/** How one stream of events ended. */
interface StreamEnd {
  /** The whole answer was seen: its terminal chunk, or END_STREAM. */
  readonly isClean: boolean;
  readonly status?: number;
  /** The request was not executed: HTTP/2 says so. */
  readonly isRefused?: boolean;
  readonly detail: string;
}

/** After a failure, so that clients of an application that has gone do not spin. */
const afterFailureMs = 50;
/** Events come every 100 ms: who hears nothing for this long has been forgotten. */
const silenceMs = 15_000;
/** How far behind a reader may be when it stops, on a machine that is busy. */
const staleMs = 5_000;

/**
 * Readers of numbered events. A stream has to end clean, with its terminal chunk or END_STREAM; its reader comes back
 * at once with `Last-Event-ID`, or after the time that `retry:` has told, and has to be sent every number, none missing
 * and none twice.
 */
export class EventClients implements KindOfClients {
  readonly tallies: readonly [Tally];
  private readonly stopping = new AbortController();
  private running: readonly Promise<void>[] = [];

  constructor(private readonly options: EventClientsOptions) {
    this.tallies = [new Tally(options.kind)];
    setMaxListeners(0, this.stopping.signal);
  }

  start(): void {
    this.running = Array.from({ length: this.options.clients }, () => this.runOne());
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  private async runOne(): Promise<void> {
    const [tally] = this.tallies;
    const { signal } = this.stopping;
    const reader = new EventReader(tally);
    let wasRefused = false;
    while (!signal.aborted) {
      const open = this.options.protocol === 'HTTP/2' ? openOverHttp2 : openOverHttp1;
      const seenBefore = reader.seen;
      const { isClean, isRefused = false, status, detail } = await open(this.options.url, reader, signal);
      if (signal.aborted) break;
      if (isRefused && !wasRefused) {
        tally.note('refused');
      } else if (isClean && status === 200) {
        tally.note(reader.seen > seenBefore ? 'clean ends' : 'empty streams');
        await sleep(reader.retryMs, signal);
      } else {
        tally.failed(isClean ? `status-${status}` : 'not-ended', detail);
        await sleep(afterFailureMs, signal);
      }
      wasRefused = isRefused;
      reader.streamEnded();
    }
    const behindMs = Date.now() - reader.lastDueAt;
    if (behindMs > staleMs) tally.failed('stale', `${behindMs} ms behind`);
  }
}

/** Reads events, over as many streams as it takes. */
class EventReader {
  lastId = '';
  lastDueAt = 0;
  retryMs = 0;
  seen = 0;
  private rest = '';
  private isReplayed = false;

  constructor(private readonly tally: Tally) {}

  take(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop()!;
    for (const block of blocks) this.event(block);
  }

  /** What was half read is not an event. */
  streamEnded(): void {
    this.rest = '';
    this.isReplayed = true;
  }

  private event(block: string): void {
    const field = (name: string): string | undefined => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
    const retry = field('retry');
    if (retry !== undefined) this.retryMs = Number(retry);
    const [id, dueAt] = [field('id'), field('data')];
    if (id === undefined || dueAt === undefined) return;
    const gap = Number(id) - Number(this.lastId) - 1;
    if (this.lastId !== '' && gap > 0) this.tally.failed('missing', `${gap} before ${id}`);
    if (this.lastId !== '' && gap < 0) this.tally.failed('twice', id);
    this.lastId = id;
    this.lastDueAt = Number(dueAt);
    this.seen++;
    this.tally.right(Date.now() - Number(dueAt));
    if (this.isReplayed) this.tally.note('streams resumed');
    this.isReplayed = false;
  }
}

function headersFor({ lastId }: EventReader): Record<string, string> {
  return { accept: 'text/event-stream', ...(lastId && { 'last-event-id': lastId }) };
}

/** Never rejects, as the other. */
function openOverHttp1(url: string, reader: EventReader, signal: AbortSignal): Promise<StreamEnd> {
  return new Promise((resolve) => {
    const ask = url.startsWith('https:') ? tlsRequest : plainRequest;
    const options = { agent: false, headers: headersFor(reader), rejectUnauthorized: false } as const;
    const outgoing = ask(new URL('/events', url), options);
    const settle = (end: StreamEnd): void => {
      clearTimeout(silence);
      signal.removeEventListener('abort', leave);
      outgoing.destroy();
      resolve(end);
    };
    const leave = (): void => settle({ isClean: true, detail: '' });
    const silence = setTimeout(() => settle({ isClean: false, detail: 'silence' }), silenceMs);
    signal.addEventListener('abort', leave);
    outgoing.on('error', ({ message }) => settle({ isClean: false, detail: message }));
    outgoing.once('response', (answer: IncomingMessage) => {
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => {
        silence.refresh();
        reader.take(text);
      });
      let trouble = '';
      answer.on('error', ({ message }) => (trouble = message));
      answer.once('close', () =>
        settle({ isClean: answer.complete && trouble === '', status: answer.statusCode, detail: trouble }),
      );
    });
    outgoing.end();
  });
}

function openOverHttp2(url: string, reader: EventReader, signal: AbortSignal): Promise<StreamEnd> {
  return new Promise((resolve) => {
    const { hostname: host, port } = new URL(url);
    const tap = new FrameTap(
      tlsConnect({ host, port: Number(port), ALPNProtocols: ['h2'], rejectUnauthorized: false }),
    );
    const session = connect(url, { createConnection: () => tap });
    let [status, trouble]: [number | undefined, string] = [undefined, ''];
    const stream = session.request({ ':path': '/events', ...headersFor(reader) });
    const settle = (end: StreamEnd): void => {
      clearTimeout(silence);
      signal.removeEventListener('abort', leave);
      session.destroy();
      resolve(end);
    };
    const leave = (): void => settle({ isClean: true, detail: '' });
    const silence = setTimeout(() => settle({ isClean: false, detail: 'silence' }), silenceMs);
    signal.addEventListener('abort', leave);
    session.on('error', ({ message }: Error) => (trouble = message));
    stream.setEncoding('utf8');
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.on('data', (text: string) => {
      silence.refresh();
      reader.take(text);
    });
    stream.on('error', ({ message }) => (trouble = message));
    stream.once('close', () => {
      const code = stream.rstCode ?? constants.NGHTTP2_NO_ERROR;
      const isRefused = code === constants.NGHTTP2_REFUSED_STREAM;
      const isClean = tap.ended.has(stream.id!) && code === constants.NGHTTP2_NO_ERROR;
      settle({ isClean, isRefused, status, detail: `code ${code} ${trouble}` });
    });
  });
}
