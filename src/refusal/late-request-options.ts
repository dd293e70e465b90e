/**
 * How requests that arrive while draining are refused: over HTTP/1.1 and HTTP/2, by the servers, and by
 * `InFlightInterceptor` where no server of the module has judged them.
 *
 * @publicApi
 */
export interface LateRequestOptions {
  /** The status of the answer, 400 to 599. @default 503 */
  readonly statusCode?: number;
  /** `Retry-After`, whole seconds. @default 1 */
  readonly retryAfterSeconds?: number;
  /**
   * What becomes of new connections while draining: they are accepted, and their requests answered (`'open'`), or they
   * are refused, since the listener is closed as draining begins (`'closed'`). A proxy that retries prefers a refused
   * connection, and a successor can bind the port. @default 'open'
   */
  readonly listener?: 'open' | 'closed';
  /**
   * Which origins may read the answer, and with it `Retry-After`: the application's CORS middleware is not asked any
   * longer, and without its headers a browser's code sees a network error. Late preflights are answered likewise.
   *
   * - `false`: none
   * - `true`: every origin, for requests without credentials
   * - a function: those for which it returns true
   *
   * @default false
   */
  readonly cors?: boolean | ((origin: string) => boolean);
}

/**
 * `LateRequestOptions` with every default filled in.
 *
 * @publicApi
 */
export type ResolvedLateRequestOptions = Required<LateRequestOptions>;
