import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { runUntilSettled } from '../../in-flight/run-until-settled.js';
import { exchangeOf } from './exchange.js';

/**
 * Counts handlers: as part of their exchange where a server of ours has seen the request, and otherwise with a lease of their own, one for each
 * request, whoever asks first.
 */
export class HandlerWork {
  private readonly counted = new WeakSet<object>();

  constructor(private readonly tracker: InFlightTracker) {}

  /** A handler has begun. Returns what ends it. */
  begin(request: object | undefined, kind: string, name: string): () => void {
    const exchange = request && exchangeOf(request);
    if (exchange) {
      exchange.hold();
      return () => exchange.drop();
    }
    if (request) {
      const raw = (request as { raw?: object }).raw ?? request;
      if (this.counted.has(raw)) return () => undefined;
      this.counted.add(raw);
    }
    const lease = this.tracker.take(kind, name);
    return () => lease.release();
  }

  /** Counts what `run` does, until the promise it may return settles. */
  during(request: object, kind: string, name: string, run: () => unknown): unknown {
    // A filter for a host or a version that does not match calls next() and returns no promise.
    return runUntilSettled(run, this.begin(request, kind, name));
  }

  /** Reports whether a server of ours has judged the request by its arrival. */
  isJudged(request: object | undefined): boolean {
    return request !== undefined && exchangeOf(request) !== undefined;
  }
}
