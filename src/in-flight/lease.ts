import { type Linked } from './linked-set.js';

/**
 * One piece of work in flight. The drain waits until it is released.
 *
 * @publicApi
 */
export interface Lease {
  /**
   * What kind of work it is, such as `request`, `handler` or `task`; `lease` for one that `GracefulShutdown.lease()`
   * gave.
   */
  readonly kind: string;
  /** Its name in the report. */
  readonly name: string;
  /** How long it has been held, ms. */
  readonly ageMs: number;
  /** Says that the work has ended. Only the first call counts. */
  release(): void;
}

/** What the tracker has to know about the work that it holds. */
export interface Held extends Linked<Held> {
  readonly kind: string;
  readonly name: string;
  readonly startedAt: number;
}
