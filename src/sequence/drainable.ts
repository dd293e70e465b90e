/**
 * Something that was cut, or was still there, when a shutdown ended.
 *
 * @publicApi
 */
export interface Leftover {
  /** What it was: `request`, `handler`, `connection`, `hook`, `resource`, … or the kind of a lease. */
  readonly kind: string;
  /** Its name: method and route pattern of a request, never the raw URL. */
  readonly name: string;
  /** How long it had lived, ms. */
  readonly ageMs: number;
  readonly detail?: string;
}

/**
 * Anything that can hold work: a server, a queue consumer, a pool of jobs. The sequence knows nothing else.
 *
 * The members are called in the order in which they stand here, each at most once, and never concurrently for one drainable,
 * except `forceClose`, which may come at any time. One that throws is a failed drainable: it is named in the report and the others go on.
 *
 * @publicApi
 */
export interface Drainable {
  /** Names it in logs and in the report. */
  readonly name: string;
  /**
   * Lame duck: tell clients to leave; everything is still served.
   *
   * @param spreadMs how long the telling may take, ms: what is left of the least that the lame duck lasts; 0 when there is none. Clients that are
   * told one after the other do not all arrive at the other replicas at once.
   */
  announce?(spreadMs: number): void;
  /**
   * Draining: take no new work from here on. Resolves when no work is left.
   *
   * @param deadline aborts at the drain deadline. The promise may then resolve or stay pending.
   * @returns what had to be cut on the way, if anything: a client that did not answer. It is named in the report.
   */
  drain(deadline: AbortSignal): Promise<void | readonly Leftover[]>;
  /** The drain of *everything* is over: close what was kept open only to refuse. */
  close?(deadline: AbortSignal): Promise<void>;
  /** Past the deadline, or forced: cut what is left, and say what was cut. */
  forceClose(): Promise<readonly Leftover[]>;
}
