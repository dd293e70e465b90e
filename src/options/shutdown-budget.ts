import { addUp, type BudgetSum, type GracePeriod, hardStopAfterMs, scaled } from '../sequence/budget.js';
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

/** What `'auto'` stands for where no process runs that could find out: what most platforms grant, ms. */
const commonGracePeriodMs = 30_000;

/**
 * Adds up what a shutdown with these options takes at most. It is pure: no application is needed, and nothing is
 * started. It does not look where it runs, for that need not be where the application will: the `gracePeriodMs` of
 * `'auto'` counts as 30000, which is what Kubernetes, ECS, Heroku and Render grant. Give the number for another
 * platform, such as 10000 for Cloud Run.
 *
 * @param options what `GracefulShutdownModule.forRoot()` is given
 * @param hooksMs the most that the hooks of `releasing` take together, ms. @default 0
 * @throws DrainError `DRAIN_INVALID_OPTION` for options that `forRoot()` would refuse, and for `hooksMs` that is no
 * number of milliseconds
 * @publicApi
 */
export function shutdownBudget(options: number | GracefulShutdownOptions = {}, hooksMs = 0): ShutdownBudget {
  const resolved = resolveOptions(options);
  const { gracePeriodMs } = resolved;
  const graceMs = gracePeriodMs === 'auto' ? commonGracePeriodMs : gracePeriodMs;
  return budgetOf(resolved, duration('hooksMs', hooksMs, 0), graceMs);
}

/**
 * The warning to print at bootstrap when the parts of a shutdown exceed the grace period; none when they do not.
 *
 * @param hooksMs the most that the hooks of a phase take together, ms; those of `lame-duck` run beside its window
 */
export function budgetWarning(
  options: ResolvedOptions,
  gracePeriod: GracePeriod,
  hooksMs: { readonly lameDuck?: number; readonly releasing?: number } = {},
): string | undefined {
  const { lameDuck = 0, releasing = 0 } = hooksMs;
  const budget = budgetOf(options, releasing, gracePeriod.ms, lameDuck);
  if (budget.fits) return undefined;
  const windowName = options.lameDuck === 'auto' ? 'lameDuck.maxMs (auto)' : 'lameDuck.maxMs';
  const isHeld = lameDuck > 0 && lameDuck === budget.lameDuckMaxMs;
  const parts: [string, number][] = [
    [isHeld ? 'hooks of lame-duck' : windowName, budget.lameDuckMaxMs],
    ['drainTimeoutMs', budget.drainMs],
    ['hooks', budget.hooksMs],
    ['margin', budget.marginMs],
  ];
  const spelt = parts.map(([name, ms]) => `${name} ${ms}`).join(' + ');
  if (gracePeriod.isAssumed) return scaledWarning(budget, gracePeriod, spelt);
  return (
    `The parts of the shutdown exceed gracePeriodMs: ${spelt} = ${budget.neededMs} ms > ${budget.gracePeriodMs} ms. ` +
    'The lame duck and the drain will be cut short to fit. Shorten them, or raise gracePeriodMs together with the ' +
    'platform (Kubernetes: terminationGracePeriodSeconds).'
  );
}

function scaledWarning(budget: ShutdownBudget, gracePeriod: GracePeriod, spelt: string): string {
  const parts = { lameDuckMs: budget.lameDuckMinMs, drainMs: budget.drainMs, hooksMs: budget.hooksMs };
  const { lameDuckMs, drainMs, hooksMs } = scaled(parts, hardStopAfterMs(gracePeriod));
  return (
    `The parts of the shutdown exceed the ${gracePeriod.ms} ms of ${gracePeriod.source}: ${spelt} = ` +
    `${budget.neededMs} ms. They are scaled to fit, to at least: lame duck ${lameDuckMs}, ` +
    `drain ${drainMs}, hooks ${hooksMs} ms. Shorten them, or raise the time of the platform, and say so in ` +
    'gracePeriodMs.'
  );
}

/** @param heldMs the most that hooks hold the lame duck */
function budgetOf(options: ResolvedOptions, hooksMs: number, gracePeriodMs: number, heldMs = 0): ShutdownBudget {
  const { minMs, maxMs } = options.lameDuck === false ? { minMs: 0, maxMs: 0 } : windowOf(options);
  const sum = addUp({
    lameDuckMinMs: Math.max(minMs, heldMs),
    lameDuckMaxMs: Math.max(maxMs, heldMs),
    drainMs: options.drainTimeoutMs,
    hooksMs,
    gracePeriodMs,
  });
  return { options, ...sum };
}
