/**
 * Whoever wants to hear, for a while, of the requests that arrive at a server. It only looks on: every request is
 * served as it would be without.
 */
export interface ArrivalObserver {
  /** Reports whether it looks on at present. */
  readonly isRunning: boolean;
  /**
   * A request has arrived that is for no health route; its lease is not taken yet.
   *
   * @param openedAt the instant at which its connection was opened
   */
  requestArrived(openedAt: number): void;
  /** A probe has got its answer, and it is a failure. `name` is the method and route pattern. */
  probeAnswered(name: string, userAgent: string | undefined): void;
}
