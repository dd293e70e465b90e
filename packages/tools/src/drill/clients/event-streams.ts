import { setMaxListeners } from 'node:events';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { faultOf, type RequestSpec } from '../exchange.js';
import { sleep } from '../timing.js';
import { type Fault } from './client.js';
import { EventParser, type ServerEvent } from './event-parser.js';
import { type HttpClientOptions } from './http1.js';
import { type Traffic, type TrafficEars, type OpenLoopCounts } from './traffic.js';

export interface EventStreamOptions extends HttpClientOptions, TrafficEars {
  /** How many streams are open at a time; they take turns over the requests. */
  readonly streams: number;
  /** How long a stream that has ended waits until it comes back, unless the server has said. @default 100 */
  readonly reconnectMs?: number;
}

/** One connection of a subscriber. */
interface Stream {
  readonly parser: EventParser;
  readonly signal: AbortSignal;
  readonly onPort: (port: number | undefined) => void;
  readonly onEvents: (events: readonly ServerEvent[]) => void;
}

/**
 * Subscribers of event streams (SSE) that come back as an `EventSource` does: after each end, with the last id they have
 * seen. What counts is events. Their ids have to count up by one: a number that is skipped is an event that is lost, and
 * one that comes again is an event that came twice. A stream that is cut, and one that is not given, is a failure as
 * well; unlike an `EventSource`, a subscriber comes back after a wrong status, too.
 */
export class EventStreams implements Traffic {
  private readonly ending = new AbortController();
  private requests = 0;
  private failed = 0;
  private begun?: number;
  private finished?: Promise<OpenLoopCounts>;

  constructor(private readonly options: EventStreamOptions) {
    if (!(options.streams >= 1)) throw new RangeError(`streams must be at least 1, got ${options.streams}.`);
    setMaxListeners(0, this.ending.signal);
  }

  get begunAt(): number | undefined {
    return this.begun;
  }

  run(): Promise<OpenLoopCounts> {
    return (this.finished ??= this.runAll());
  }

  stop(): Promise<OpenLoopCounts> {
    this.ending.abort();
    return this.run();
  }

  cancel(): Promise<OpenLoopCounts> {
    return this.stop();
  }

  counts(): OpenLoopCounts {
    return { requests: this.requests, failed: this.failed, underWay: 0 };
  }

  /** Waits for one event. */
  async try(request: number): Promise<Fault | undefined> {
    const enough = new AbortController();
    let first: ServerEvent | undefined;
    const fault = await Promise.race([
      this.follow(this.options.requests[request]!, {
        parser: new EventParser(),
        signal: enough.signal,
        onPort: () => undefined,
        onEvents: ([event]) => {
          if (event === undefined) return;
          first = event;
          enough.abort();
        },
      }),
      sleep(this.options.timeoutMs, enough.signal).then((): Fault => ({ kind: 'timed-out', detail: 'no event came' })),
    ]);
    enough.abort();
    if (first === undefined) return fault ?? { kind: 'cut-short', detail: 'the stream ended before its first event' };
    if (numberOf(first) === undefined) return { kind: 'malformed', detail: notCounting(first) };
    return undefined;
  }

  private async runAll(): Promise<OpenLoopCounts> {
    const { requests, streams } = this.options;
    this.begun = performance.now();
    await Promise.all(Array.from({ length: streams }, (_, stream) => this.subscribe(stream % requests.length)));
    return this.counts();
  }

  private async subscribe(request: number): Promise<void> {
    const spec = this.options.requests[request]!;
    const { signal } = this.ending;
    const parser = new EventParser();
    let last: number | undefined;
    let port: number | undefined;
    /** The port of the connection that events may have been missed on. */
    let portBefore: number | undefined;
    while (!signal.aborted) {
      const onEvents = (events: readonly ServerEvent[]): void => {
        for (const event of events) {
          const number = numberOf(event);
          if (number === undefined) this.tell(request, port, { kind: 'malformed', detail: notCounting(event) });
          else if (last !== undefined && number <= last) this.tell(request, port, { kind: 'twice', detail: event.id });
          else {
            for (let lost = (last ?? number - 1) + 1; lost < number; lost++) {
              this.tell(request, portBefore, { kind: 'lost', detail: `event ${lost}` });
            }
            this.tell(request, port);
            last = number;
          }
          portBefore = port;
        }
      };
      const fault = await this.follow(spec, { parser, signal, onPort: (own) => (port = own), onEvents });
      if (signal.aborted) return;
      if (fault) this.tell(request, port, fault);
      portBefore = port ?? portBefore;
      await sleep(parser.retryMs ?? this.options.reconnectMs ?? 100, signal);
    }
  }

  /** Resolves when the connection has ended, to what was wrong with that. */
  private follow(spec: RequestSpec, { parser, signal, onPort, onEvents }: Stream): Promise<Fault | undefined> {
    const { url, insecure = false, timeoutMs } = this.options;
    const target = new URL(spec.path, url);
    const headers = { Accept: 'text/event-stream', ...(parser.lastId && { 'Last-Event-ID': parser.lastId }) };
    parser.beginConnection();
    return new Promise((resolve) => {
      const send = target.protocol === 'https:' ? tlsRequest : plainRequest;
      const options = { agent: false, signal, headers: { ...headers, ...spec.headers }, rejectUnauthorized: !insecure };
      const outgoing = send(target, options);
      const settle = (fault?: Fault): void => {
        clearTimeout(overdue);
        outgoing.destroy();
        resolve(fault);
      };
      const overdue = setTimeout(() => settle({ kind: 'timed-out', detail: 'no answer began' }), timeoutMs);
      onPort(undefined);
      outgoing.once('socket', (socket) => socket.once('connect', () => onPort(socket.localPort)));
      outgoing.on('error', (error: NodeJS.ErrnoException) => settle(faultOf(error)));
      outgoing.once('response', (answer) => {
        clearTimeout(overdue);
        const fault = faultOfHead(answer);
        if (fault) return settle(fault);
        answer.setEncoding('utf8').on('data', (text: string) => onEvents(parser.read(text)));
        answer.on('error', () => undefined);
        answer.once('close', () => settle(answer.complete ? undefined : { kind: 'cut-short' }));
      });
      outgoing.end();
    });
  }

  private tell(request: number, localPort: number | undefined, fault?: Fault): void {
    const at = performance.now();
    const number = this.requests++;
    if (fault) this.failed++;
    const instants = { dueAt: at, sentAt: at, endedAt: at };
    this.options.onOutcome?.({ ...instants, number, request, fault, reusedConnection: true, localPort });
  }
}

function faultOfHead({ statusCode = 0, headers }: IncomingMessage): Fault | undefined {
  if (statusCode !== 200) return { kind: `status-${statusCode}` };
  const type = headers['content-type'] ?? 'no content type';
  return /^text\/event-stream\b/i.test(type) ? undefined : { kind: 'malformed', detail: type };
}

function numberOf({ id }: ServerEvent): number | undefined {
  return /^\d+$/.test(id) ? Number(id) : undefined;
}

function notCounting({ id }: ServerEvent): string {
  return `the id '${id}' is no number that counts up`;
}
