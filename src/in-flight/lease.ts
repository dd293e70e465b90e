import { type Linked } from './linked-set.js';

/**
 * One piece of in-flight work. The drain waits until it is released.
 *
 * @publicApi
 */
export interface Lease {
  /** What kind of work it is: `lease` for one from `GracefulShutdown.lease()`. */
  readonly kind: string;
  /** Names the work in the report. */
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
  /** The instant at which the work began, ms. */
  readonly startedAt: number;
}
