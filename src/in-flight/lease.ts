import { type Linked } from './linked-set.js';

/**
 * One piece of in-flight work.
 *
 * @publicApi
 */
export interface Lease {
  readonly kind: string;
  readonly name: string;
  /** How long it has been held, ms. */
  readonly ageMs: number;
  /** The work has ended. Only the first call counts. */
  release(): void;
}

/** What the tracker needs to know of something it holds. */
export interface Held extends Linked<Held> {
  readonly kind: string;
  readonly name: string;
  readonly startedAt: number;
}
