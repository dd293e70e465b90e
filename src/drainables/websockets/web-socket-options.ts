/**
 * How WebSocket and socket.io clients are told to leave.
 *
 * @publicApi
 */
export interface WebSocketOptions {
  /**
   * What becomes of handshakes in the lame duck, while the platform may still route here: they are accepted, and their
   * clients told to leave a moment later, or refused with 503. While draining all are refused. @default 'accept'
   */
  readonly handshakes?: 'accept' | 'refuse';
  /**
   * The code of the close frame: 1001 (going away), 1012 (service restart), or one of your own, 3000 to 4999.
   * @default 1001
   *
   * @see https://www.iana.org/assignments/websocket/websocket.xhtml
   */
  readonly closeCode?: number;
  /** The reason in the close frame, at most 123 bytes. @default 'The server is shutting down' */
  readonly closeReason?: string;
  /**
   * Clients are told to leave one by one, spread over this long, each at a random moment of its share. Begins with the
   * lame duck, and goes on while draining. Left out: the least the lame duck lasts, and all at once where there is
   * none. @default undefined
   */
  readonly spreadMs?: number;
  /**
   * How long a client gets to take what was sent to it and to answer the close frame. Then its connection is cut, and
   * named in the report. Before that, while draining, streams of replies (an `Observable` that a handler has returned)
   * and acks that are given by hand get as long to end. Handlers are always waited for. @default 2000
   */
  readonly closeTimeoutMs?: number;
}

/** The options with every default filled in; no `spreadMs` means the lame duck's. */
export type ResolvedWebSocketOptions = Required<Omit<WebSocketOptions, 'spreadMs'>> &
  Pick<WebSocketOptions, 'spreadMs'>;
