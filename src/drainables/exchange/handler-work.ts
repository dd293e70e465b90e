import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { exchangeOf } from './exchange.js';

/**
 * Counts handlers: as part of their exchange where a server of ours has seen the request, and otherwise with a lease of
 * their own, one for each request, whoever asks first.
 */
export class HandlerWork {
  private readonly counted = new WeakSet<object>();

  constructor(private readonly tracker: InFlightTracker) {}

  /** A handler has begun. Returns what ends it. */
  begin(request: object | undefined, kind: string, name: string): () => void {
    const exchange = request && exchangeOf(request);
    if (exchange) return exchange.begin();
    if (request) {
      const raw = (request as { raw?: object }).raw ?? request;
      if (this.counted.has(raw)) return () => undefined;
      this.counted.add(raw);
    }
    const lease = this.tracker.take(kind, name);
    return () => lease.release();
  }

  /** Reports whether a server of ours has judged the request by its arrival. */
  isJudged(request: object | undefined): boolean {
    return request !== undefined && exchangeOf(request) !== undefined;
  }
}
