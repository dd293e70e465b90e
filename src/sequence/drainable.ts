/**
 * Something that was cut, or was still there, when a shutdown ended.
 *
 * @publicApi
 */
export interface Leftover {
  /**
   * What it was: `request`, `handler`, `connection`, …, or the kind of a lease; `drainable` or `shutdown` for something
   * that failed; `resource` for what kept the event loop alive at the hard stop.
   */
  readonly kind: string;
  /** Its name: method and route pattern of a request, never the raw URL. */
  readonly name: string;
  /** How long it had lived, ms. */
  readonly ageMs: number;
  /** What else there is to say of it, in words. */
  readonly detail?: string;
}

/**
 * Anything that can hold work: a server, a queue consumer, a pool of jobs. The sequence knows nothing else.
 *
 * A shutdown calls `announce`, `drain` and `close` in this order, each at most once, and `forceClose` in between where
 * it is needed. Do not count on what came before: any step may follow any other, and a step may be missing. A drainable
 * that is registered in mid-drain is told and drained in one go; one whose `announce` threw is drained all the same;
 * `forceClose` may come while `drain` or `close` is pending, and `close` comes after it.
 *
 * One that throws, or rejects, has failed: it is named in the report, which is then not clean, and the others go on.
 *
 * @publicApi
 */
export interface Drainable {
  /** Names it in logs and in the report. It is read once, when the drainable is registered. */
  readonly name: string;
  /**
   * Tell clients to leave; everything is still served. Called when the lame duck begins, also one that takes no time.
   * Where nothing that is registered has it, as in a worker of a queue, `lameDuck: 'auto'` takes no time.
   *
   * @param spreadMs how long the telling may take, ms: what is left of the least that the lame duck lasts; 0 when there
   * is none. Clients that are told one after the other do not all arrive at the other replicas at once.
   */
  announce?(spreadMs: number): void;
  /**
   * Refuse new work from here on, and resolve when no work is left. Called when draining begins.
   *
   * @param deadline aborts at the drain deadline. The promise may then resolve or stay pending.
   * @returns what had to be cut on the way, if anything: a client that did not answer. It is named in the report.
   */
  drain(deadline: AbortSignal): Promise<void | readonly Leftover[]>;
  /**
   * Cut what is left, and say what was cut. Called when the drain deadline has passed, when a second signal or the hard
   * stop ends the waiting, or when `close` takes too long: once, for all drainables, those with no work left included.
   * It is waited for half a second.
   */
  forceClose(): Promise<readonly Leftover[]>;
  /**
   * Close what was kept open only to refuse: stop listening, disconnect. Called when the drain of *everything* is over,
   * whether its work had ended or was cut.
   *
   * @param deadline aborts when the time for it is up: at the drain deadline
   */
  close?(deadline: AbortSignal): Promise<void>;
}
