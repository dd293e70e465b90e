import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** How one connection of it ended: with the end of a whole answer, in the middle of one, or before it had begun. */
export type StreamEnd = 'clean' | 'cut' | 'unanswered';

export interface EventSourceOptions {
  /** How long it waits before it comes back, until a `retry:` says otherwise, ms. Browsers wait about 3 s. */
  readonly reconnectMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An `EventSource` as strict as the standard's: it comes back after every end, with the last id it has seen, and gives
 * up for good on anything but 200 and `text/event-stream`. It parses what Node's EventSource packages parse, and tells
 * besides whether each answer was whole.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class EventSourceClient {
  private static readonly open = new Set<EventSourceClient>();

  /** Closes what a test has opened and not closed. */
  static closeAll(): void {
    for (const client of EventSourceClient.open) client.close();
  }

  readonly events: ReceivedEvent[] = [];
  readonly ends: StreamEnd[] = [];
  /** What `retry:` said, each time, ms. */
  readonly retries: number[] = [];
  /** Why it has given up. */
  failure?: string = undefined;
  private lastId = '';
  private reconnectMs: number;
  private timer?: NodeJS.Timeout;
  private outgoing?: ClientRequest;
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly url: string,
    private readonly options: EventSourceOptions,
  ) {
    this.reconnectMs = options.reconnectMs;
    EventSourceClient.open.add(this);
    this.connect();
  }

  /** Resolves when `test` holds; it is looked at whenever something has come in or ended. */
  until(test: (client: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!test(this)) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  }

  close(): void {
    EventSourceClient.open.delete(this);
    clearTimeout(this.timer);
    this.outgoing?.destroy();
  }

  private connect(): void {
    const headers = {
      Accept: 'text/event-stream',
      'Cache-Control': 'no-store',
      ...(this.lastId && { 'Last-Event-ID': this.lastId }),
      ...this.options.headers,
    };
    const send = this.url.startsWith('https:') ? httpsRequest : httpRequest;
    const outgoing = send(this.url, { agent: false, headers, rejectUnauthorized: false } as RequestOptions);
    let isAnswered = false;
    outgoing.on('response', (response) => {
      isAnswered = true;
      this.read(response);
    });
    // Behind an answer the answer's own end says it all.
    outgoing.on('error', () => isAnswered || this.ended('unanswered'));
    outgoing.end();
    this.outgoing = outgoing;
  }

  private read(response: IncomingMessage): void {
    const type = response.headers['content-type'] ?? 'nothing';
    if (response.statusCode !== 200 || !/^text\/event-stream\b/.test(type)) {
      this.failure = `${response.statusCode} with ${type}`;
      EventSourceClient.open.delete(this);
      response.destroy();
      return this.look();
    }
    let rest = '';
    let event = { id: this.lastId, type: '', data: '' };
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (line !== '') event = this.field(event, line);
        else event = this.dispatch(event);
      }
      this.look();
    });
    response.on('error', () => undefined);
    response.on('close', () => this.ended(response.complete ? 'clean' : 'cut'));
  }

  private field(event: ReceivedEvent, line: string): ReceivedEvent {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line)!;
    if (name === 'id') return { ...event, id: value };
    if (name === 'event') return { ...event, type: value };
    if (name === 'data') return { ...event, data: event.data === '' ? value : `${event.data}\n${value}` };
    if (name === 'retry' && /^\d+$/.test(value)) {
      this.reconnectMs = Number(value);
      this.retries.push(this.reconnectMs);
    }
    return event;
  }

  private dispatch(event: ReceivedEvent): ReceivedEvent {
    this.lastId = event.id;
    if (event.data !== '') this.events.push({ ...event, type: event.type || 'message' });
    return { id: this.lastId, type: '', data: '' };
  }

  private ended(how: StreamEnd): void {
    if (!EventSourceClient.open.has(this)) return;
    this.ends.push(how);
    this.timer = setTimeout(() => this.connect(), this.reconnectMs);
    this.look();
  }

  private look(): void {
    for (const look of [...this.waiting]) look();
  }
}
