import { described } from '../sequence/described.js';

/**
 * What has something to send before the process ends: a function, or a provider of OpenTelemetry. `forceFlush()` is
 * called where there is one, and otherwise `shutdown()`.
 *
 * @publicApi
 */
export type Flushable = (() => unknown) | { forceFlush?(): unknown; shutdown?(): unknown };

/**
 * What flushes it.
 *
 * @throws TypeError for something that cannot be flushed
 */
export function flushOf(flushable: Flushable): () => unknown {
  if (typeof flushable === 'function') return flushable;
  if (typeof flushable?.forceFlush === 'function') return () => flushable.forceFlush!();
  if (typeof flushable?.shutdown === 'function') return () => flushable.shutdown!();
  throw new TypeError(
    `Expected flush to be a function, or to have forceFlush() or shutdown(), got ${described(flushable)}. ` +
      'Give the provider of metrics or spans, or a function that sends them.',
  );
}
