/** The connection that a call has come by, where a transport counts the calls of each. */
export interface CallConnection {
  callBegins(): void;
  /** Its handler, or the stream of its answers, has ended: its reply is written in this turn of the event loop. */
  callEnded(): void;
}
