import { EventBoundary } from './event-boundary.js';

/** A response of HTTP/1.1, or of HTTP/2 in its compatible form. */
export interface StreamedResponse {
  readonly writableEnded: boolean;
  /** HTTP/2 has none. */
  readonly destroyed?: boolean;
  getHeader(name: string): unknown;
  writeHead(...args: unknown[]): unknown;
  write(...args: unknown[]): boolean;
  end(...args: unknown[]): unknown;
  on(event: 'close', listener: () => void): unknown;
}

/**
 * A response that may turn out to be a stream of events. Its methods are overlaid: only `writeHead()` is told the
 * headers that Nest's `@Sse()` sends, and only whoever sees what is written knows whether an event is half out.
 */
export class EventStream {
  private readonly boundary = new EventBoundary();
  private state: 'unsent' | 'other' | 'open' | 'ending' | 'ended' = 'unsent';

  /** @param opened is called once its head is out, when it is a stream of events indeed */
  constructor(
    private readonly response: StreamedResponse,
    private readonly opened: (stream: EventStream) => void,
  ) {
    this.overlay();
  }

  get isOpen(): boolean {
    return this.state === 'open' && !this.response.writableEnded && !this.response.destroyed;
  }

  /**
   * Ends it with its terminal chunk, behind `lastWords` where no event is half out. Whoever writes on afterwards, a
   * timer or Nest's own pipe, does so into the void: an error would be an uncaught one.
   */
  end(lastWords?: string): void {
    if (!this.isOpen) return;
    if (lastWords !== undefined && this.boundary.isReached) this.response.write(lastWords);
    this.state = 'ending';
    this.response.end();
  }

  private overlay(): void {
    const { response } = this;
    const writeHead = response.writeHead.bind(response);
    const write = response.write.bind(response);
    const end = response.end.bind(response);
    response.writeHead = (...args) => {
      const result = writeHead(...args);
      if (this.state === 'unsent') this.sent(args);
      return result;
    };
    response.write = (...args) => {
      if (this.state === 'ended') return swallow(args);
      if (this.state === 'unsent' || this.state === 'open') this.boundary.wrote(args[0], args[1]);
      return write(...args);
    };
    response.end = (...args) => {
      if (this.state === 'ended') return swallow(args) && response;
      // Middleware that compresses ends its own stream first, and what is left of that still passes.
      if (this.state === 'ending') this.state = 'ended';
      return end(...args);
    };
  }

  private sent(args: readonly unknown[]): void {
    const header = (name: string) => headerIn(args.at(-1), name) ?? this.response.getHeader(name);
    const isEventStream = /^text\/event-stream\b/i.test(String(header('content-type')));
    // One that said how long it is ends by itself.
    this.state = isEventStream && header('content-length') === undefined ? 'open' : 'other';
    if (this.state === 'open') this.opened(this);
  }
}

/** A header given to `writeHead()`: in an object, a list of pairs, or a flat list. */
function headerIn(headers: unknown, name: string): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const list: unknown[] = Array.isArray(headers) ? headers.flat() : Object.entries(headers).flat();
  const at = list.findIndex((each, index) => index % 2 === 0 && String(each).toLowerCase() === name);
  return at < 0 ? undefined : list[at + 1];
}

/** Does what a stream does that has taken what it was given. */
function swallow(args: readonly unknown[]): true {
  const written = args.find((each) => typeof each === 'function');
  if (written) process.nextTick(written);
  return true;
}
