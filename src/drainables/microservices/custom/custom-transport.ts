import { type Transport, type TransportServer } from '../shared/transport.js';

/**
 * What a custom transport strategy adds to be drained without a loss. Both are optional; without `stopConsuming()` it
 * goes on taking messages until the drain is over, and a warning at bootstrap says so.
 *
 * @publicApi
 */
export interface DrainableStrategy {
  /**
   * Take no further messages; leave the connection open, for replies. Resolve when none arrives any longer. Called once,
   * as draining begins.
   */
  stopConsuming?(): Promise<void> | void;
  /**
   * Resolve when everything that has been written has left: replies, acknowledgements. Called when all messages that
   * were taken have been dealt with, before Nest calls `close()`.
   */
  flush?(): Promise<void> | void;
}

/** Any server of which nothing more is known: a custom strategy. */
export function customTransport(server: TransportServer): Transport {
  const strategy = server as TransportServer & DrainableStrategy;
  const name = (server.constructor as { name?: string } | undefined)?.name || 'custom';
  const canStop = typeof strategy.stopConsuming === 'function';
  return {
    name,
    warnings: canStop
      ? []
      : [
          `${name}: expected a method stopConsuming() on this transport strategy, found none. It goes on taking ` +
            'messages until the drain is over: add one that takes no further messages and leaves the connection open.',
        ],
    async stopTaking() {
      await strategy.stopConsuming?.();
    },
    async flush() {
      await strategy.flush?.();
    },
  };
}
