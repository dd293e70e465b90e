import { addUp, type BudgetSum } from '../sequence/budget.js';
import { type GracefulShutdownOptions, type ResolvedOptions } from './options.js';
import { duration, resolveOptions, windowOf } from './resolve-options.js';

/**
 * What a shutdown takes at most, part by part, and whether the grace period has room for it. All durations in ms.
 *
 * @publicApi
 */
export interface ShutdownBudget extends BudgetSum {
  /** The options that were given, with every default filled in. */
  readonly options: ResolvedOptions;
}

/**
 * Adds up what a shutdown with these options takes at most. It is pure: no application is needed, and nothing is
 * started.
 *
 * @param options what `GracefulShutdownModule.forRoot()` is given
 * @param hooksMs the most that the hooks of `releasing` take together, ms. @default 0
 * @throws DrainError `DRAIN_INVALID_OPTION` for options that `forRoot()` would refuse, and for `hooksMs` that is no
 * number of milliseconds
 * @publicApi
 */
export function shutdownBudget(options: number | GracefulShutdownOptions = {}, hooksMs = 0): ShutdownBudget {
  return budgetOf(resolveOptions(options), duration('hooksMs', hooksMs, 0));
}

/** The warning to print at bootstrap when the parts of a shutdown exceed the grace period; none when they do not. */
export function budgetWarning(options: ResolvedOptions, hooksMs = 0): string | undefined {
  const budget = budgetOf(options, hooksMs);
  if (budget.fits) return undefined;
  const parts: [string, number][] = [
    [options.lameDuck === 'auto' ? 'lameDuck.maxMs (auto)' : 'lameDuck.maxMs', budget.lameDuckMaxMs],
    ['drainTimeoutMs', budget.drainMs],
    ['hooks', budget.hooksMs],
    ['margin', budget.marginMs],
  ];
  const spelt = parts.map(([name, ms]) => `${name} ${ms}`).join(' + ');
  return (
    `The parts of the shutdown exceed gracePeriodMs: ${spelt} = ${budget.neededMs} ms > ${budget.gracePeriodMs} ms. ` +
    'The lame duck and the drain will be cut short to fit. Shorten them, or raise gracePeriodMs together with the ' +
    'platform (Kubernetes: terminationGracePeriodSeconds).'
  );
}

function budgetOf(options: ResolvedOptions, hooksMs: number): ShutdownBudget {
  const { minMs, maxMs } = options.lameDuck === false ? { minMs: 0, maxMs: 0 } : windowOf(options);
  const sum = addUp({
    lameDuckMinMs: minMs,
    lameDuckMaxMs: maxMs,
    drainMs: options.drainTimeoutMs,
    hooksMs,
    gracePeriodMs: options.gracePeriodMs,
  });
  return { options, ...sum };
}
