/** A call that is being executed. */
export interface RunningCall {
  /** Its caller has gone, while its handler goes on. Its connection hears no more of it. */
  abandon(): void;
}

/** The connection that a call has come by, where a transport counts the calls of each. */
export interface CallConnection {
  callBegins(call: RunningCall): void;
  /** Its handler, or the stream of its answers, has ended: its reply is written in this turn of the event loop. */
  callEnded(call: RunningCall): void;
}
