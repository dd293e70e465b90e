import { type Exchange, type Fault } from './client.js';

/** What a drill measures with: requests at a rate, or subscribers of streams. */
export interface Traffic {
  /** When it began: `performance.now()`. */
  readonly begunAt: number | undefined;
  /** Begins, and resolves when everything has its outcome. The same promise on a second call. */
  run(): Promise<OpenLoopCounts>;
  /** Makes no further request due, and resolves when those that were have their outcome. */
  stop(): Promise<OpenLoopCounts>;
  /** Ends what is under way, too. */
  cancel(): Promise<OpenLoopCounts>;
  counts(): OpenLoopCounts;
  /** Asks once, without counting it, and resolves to what was wrong. */
  try(request: number): Promise<Fault | undefined>;
}

/**
 * How far the traffic has come.
 *
 * @publicApi
 */
export interface OpenLoopCounts {
  /** Requests that have an outcome. */
  readonly requests: number;
  /** Those that failed. */
  readonly failed: number;
  /** Requests that were due and have no outcome yet. */
  readonly underWay: number;
}

/** Instants are `performance.now()`. */
export interface RequestOutcome extends Exchange {
  /** No two have the same. */
  readonly number: number;
  readonly dueAt: number;
  readonly sentAt: number;
  readonly endedAt: number;
  /** An index into the requests. */
  readonly request: number;
  /** It was refused unseen, and this is what became of it when it was sent again. */
  readonly isRepeated?: boolean;
}

/** What a traffic tells. */
export interface TrafficEars {
  /** Called once for each request, and for each failure that is none of a request. */
  readonly onOutcome?: (outcome: RequestOutcome) => void;
  /** Called when a request that was well answered has turned out to be wrong; `number` is that of its outcome. */
  readonly onLateFault?: (number: number, fault: Fault) => void;
}
