/**
 * How streams of server-sent events end when draining begins: those whose request is a `GET` and names
 * `text/event-stream` in `Accept`, as an `EventSource` does. All others are work like any other response, and run to
 * the drain deadline unless their handler listens to
 * `GracefulShutdown.drainingSignal`.
 *
 * @publicApi
 */
export interface EventStreamOptions {
  /**
   * Tells clients, as their stream ends, to come back after about this long: each is given a time of its own between
   * half and one and a half of it, so that they do not all come at once. Left out, streams end without a word, and
   * browsers come back after their own time, about 3 s.
   *
   * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
   */
  readonly retryMs?: number;
}
