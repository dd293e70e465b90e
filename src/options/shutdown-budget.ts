import { type GracefulShutdownOptions, type ResolvedOptions } from './options.js';
import { resolveOptions, windowOf } from './resolve-options.js';

/**
 * What the options of a shutdown add up to. Durations are milliseconds.
 *
 * @publicApi
 */
export interface ShutdownBudget {
  /** The least that the lame duck of a SIGTERM lasts where it is on; 0 where the options turn it off. */
  readonly lameDuckMinMs: number;
  /** The most that the lame duck of a SIGTERM lasts where it is on; 0 where the options turn it off. */
  readonly lameDuckMaxMs: number;
  /** What the drain may take. */
  readonly drainMs: number;
  /** What the hooks may take, as it was given. */
  readonly hooksMs: number;
  /** The time between the hard stop and SIGKILL. */
  readonly marginMs: number;
  /** The platform's total, from the signal to SIGKILL. */
  readonly gracePeriodMs: number;
  /** The sum of the parts: the longest lame duck, the drain, the hooks and the margin. */
  readonly neededMs: number;
  /** Whether the parts fit into the grace period. */
  readonly fits: boolean;
  /** The options with every default filled in. */
  readonly options: ResolvedOptions;
}

const marginMs = 1_000;

/**
 * Adds up what a shutdown with these options may take. It has no effects.
 *
 * @param given the drain timeout in ms, or options, as `GracefulShutdownModule.forRoot()` takes them
 * @param hooksMs the longest that the hooks can take
 * @throws DrainError `DRAIN_INVALID_OPTION` for options that make no sense
 * @publicApi
 */
export function shutdownBudget(given?: number | GracefulShutdownOptions, hooksMs = 0): ShutdownBudget {
  const options = resolveOptions(given);
  const lameDuck = options.lameDuck === false ? { minMs: 0, maxMs: 0 } : windowOf(options);
  const { drainTimeoutMs: drainMs, gracePeriodMs } = options;
  const neededMs = lameDuck.maxMs + drainMs + hooksMs + marginMs;
  return {
    lameDuckMinMs: lameDuck.minMs,
    lameDuckMaxMs: lameDuck.maxMs,
    drainMs,
    hooksMs,
    marginMs,
    gracePeriodMs,
    neededMs,
    fits: neededMs <= gracePeriodMs,
    options,
  };
}
