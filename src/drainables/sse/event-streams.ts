import { type Drainable, type Leftover } from '../../sequence/drainable.js';
import { nextPoll } from '../../sequence/clock.js';
import { type AdmissionRule, type RequestHead } from '../../admission/admission.js';
import { acceptsEventStream } from '../../refusal/event-stream-request.js';
import { EventStream, type StreamedResponse } from './event-stream.js';
import { type EventStreamOptions } from './event-stream-options.js';
import { jittered, retryField } from '../../refusal/retry-field.js';

/**
 * The streams of server-sent events of one application, over all its servers: by Nest's `@Sse()` and written by hand.
 *
 * In the lame duck they stay open. When draining begins they end with their terminal chunk, so that every client sees a
 * whole answer and comes back elsewhere; first a handler that listens to the `draining` signal may end its own, with a
 * last event. One whose head is still unsent ends as soon as it has opened.
 *
 * Not covered: streams whose request does not name `text/event-stream` in `Accept` (curl, a `fetch()` without headers)
 * or is no `GET`. They are work like any other response, and run to the drain deadline unless their handler ends them.
 *
 * @internal
 */
export class EventStreams implements Drainable, AdmissionRule {
  readonly name = 'event streams';
  private readonly streams = new Set<EventStream>();
  private isEnding = false;

  constructor(
    private readonly options: EventStreamOptions,
    private readonly random?: () => number,
  ) {}

  /** A request has arrived, and nothing of its response is out. */
  arrived(request: RequestHead, response: object): void {
    if (!acceptsEventStream(request)) return;
    const streamed = response as StreamedResponse;
    const stream = new EventStream(streamed, this.opened);
    this.streams.add(stream);
    streamed.on('close', () => this.streams.delete(stream));
  }

  /** Ends the streams, and waits for none: each is a request as well, and the drain waits for its lease. */
  async drain(): Promise<void> {
    // The draining signal has fired. Handlers that own a stream end it first.
    if (this.streams.size > 0) await nextPoll();
    this.isEnding = true;
    for (const stream of this.streams) this.end(stream);
  }

  /** Their connections are cut, and named, by the servers. */
  forceClose(): Promise<readonly Leftover[]> {
    return Promise.resolve([]);
  }

  private readonly opened = (stream: EventStream): void => {
    if (this.isEnding) void nextPoll().then(() => this.end(stream));
  };

  private end(stream: EventStream): void {
    const { retryMs } = this.options;
    stream.end(retryMs === undefined ? undefined : retryField(jittered(retryMs, this.random)));
  }
}
