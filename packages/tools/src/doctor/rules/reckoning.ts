import { type Part, quietParts, sigintParts, sigtermParts, spell, sumOf } from '../application.js';
import { type Container, type Workload } from '../model.js';
import { isServing } from '../read/routes.js';
import { type Scene } from '../scene.js';

/** What the shutdown of one workload takes at most, and what it is given. */
export interface Reckoning {
  readonly workload: Workload;
  /** The one with the longest preStop hook. */
  readonly container: Container | undefined;
  /** From the signal on, without a preStop hook. */
  readonly ownMs: number;
  readonly preStopMs: number;
  /** From the end of the time in service to SIGKILL. */
  readonly graceMs: number;
  readonly fits: boolean;
  /** Reports whether it would fit without the lame duck, and nothing says that there is one: that needs a probe. */
  readonly fitsUnasked: boolean;
  /** The parts, and what they add up to. */
  readonly spelt: string;
}

/** Those whose grace period is known. */
export function reckoningsOf(scene: Scene): readonly Reckoning[] {
  return scene.workloads.flatMap((workload) => {
    const { value: graceMs } = workload.grace.ms;
    if (graceMs === undefined) return [];
    const container = longestPreStop(workload);
    const preStopMs = container?.preStop?.ms ?? 0;
    const own = partsFor(workload, scene);
    const parts: readonly Part[] = [['preStop', preStopMs], ...own];
    const ownMs = sumOf(own);
    const isAsked = workload.pods !== undefined || scene.application.budget.options.lameDuck !== 'auto';
    const unaskedMs = sumOf(own.filter(([name]) => name !== 'lame duck')) + preStopMs;
    const fits = ownMs + preStopMs <= graceMs;
    const fitsUnasked = !fits && !isAsked && unaskedMs <= graceMs;
    return [{ workload, container, ownMs, preStopMs, graceMs, fits, fitsUnasked, spelt: spell(parts) }];
  });
}

/**
 * The module has a lame duck on SIGTERM; on another signal when its options ask for one. It ends when traffic has gone,
 * and so a pod that nobody sends requests to has the least of one.
 */
export function partsFor(workload: Workload, scene: Scene): readonly Part[] {
  const { application } = scene;
  if (workload.stopSignal.value !== 'SIGTERM') return sigintParts(application);
  const isQuiet = workload.pods !== undefined && !isServing(scene, workload);
  return isQuiet ? quietParts(application) : sigtermParts(application);
}

function longestPreStop({ containers }: Workload): Container | undefined {
  return containers.reduce<Container | undefined>(
    (best, each) => ((each.preStop?.ms ?? -1) > (best?.preStop?.ms ?? -1) ? each : best),
    undefined,
  );
}
