import { type Place } from '../finding.js';
import { preStopOf } from '../read/pre-stop.js';
import { type Workload } from '../read/workload.js';
import { type Remark, type Rule } from '../rule.js';
import { type Part, seconds, sigtermParts, spell, sumOf } from '../application.js';
import { type Scene } from '../scene.js';

/** What Kubernetes grants when nothing is said, seconds. */
const defaultGraceSeconds = 30;

interface Grace {
  readonly ms: number;
  readonly at: Place;
  readonly isDefault: boolean;
  readonly preStopMs: number;
}

/** The parts of a shutdown have to fit between the pod's deletion and SIGKILL. */
export const graceBudget: Rule = {
  id: 'grace-budget',
  severity: 'fault',
  title: 'preStop, lame duck, drain, hooks and margin exceed terminationGracePeriodSeconds',
  *remarks({ application, workloads }): Iterable<Remark> {
    for (const workload of workloads) {
      const grace = graceOf(workload);
      const parts = partsOf(grace, sigtermParts(application));
      if (fits(parts, grace)) continue;
      const needSeconds = Math.ceil(sumOf(parts) / 1_000);
      const { gracePeriodMs } = application.budget;
      const needMs = sumOf(sigtermParts(application));
      const option = needMs > gracePeriodMs ? `, and gracePeriodMs: ${needMs} in the module's options` : '';
      yield {
        at: grace.at,
        what:
          `A shutdown may take ${spell(parts)}, and SIGKILL comes after ` +
          `${seconds(grace.ms)}${grace.isDefault ? ', the default' : ''}: what is in flight then is ` +
          'lost.',
        fix: `Set terminationGracePeriodSeconds: ${needSeconds}${option}, or shorten the parts.`,
      };
    }
  },
};

/** The module ends the process, with a report, one second before `gracePeriodMs`: SIGKILL must not come first. */
export const gracePeriodOption: Rule = {
  id: 'grace-period-option',
  severity: 'fault',
  title: "the module's gracePeriodMs is longer than what the pod leaves it",
  *remarks({ application, workloads }): Iterable<Remark> {
    const { gracePeriodMs } = application.budget;
    for (const workload of workloads) {
      const grace = graceOf(workload);
      const leftMs = grace.ms - grace.preStopMs;
      if (gracePeriodMs <= leftMs || !fits(partsOf(grace, sigtermParts(application)), grace)) continue;
      yield {
        at: grace.at,
        what:
          `gracePeriodMs is ${gracePeriodMs}, and SIGKILL comes ${seconds(leftMs)} after the SIGTERM: ` +
          'a shutdown that hangs is killed without a report.',
        fix:
          `Set terminationGracePeriodSeconds: ${Math.ceil((gracePeriodMs + grace.preStopMs) / 1_000)}, ` +
          `or gracePeriodMs: ${leftMs} in the module's options.`,
      };
    }
  },
};

/** The same sum as `grace-budget`, against the bound that the module was given. */
export const optionsBudget: Rule = {
  id: 'options-budget',
  severity: 'fault',
  title: "lame duck, drain, hooks and margin exceed the module's gracePeriodMs",
  *remarks({ application, workloads }): Iterable<Remark> {
    const { gracePeriodMs } = application.budget;
    const parts = sigtermParts(application);
    if (sumOf(parts) <= gracePeriodMs) return;
    for (const workload of workloads) {
      const grace = graceOf(workload);
      if (!fits(partsOf(grace, parts), grace)) continue;
      yield {
        at: grace.at,
        what:
          `A shutdown may take ${spell(parts)}, and gracePeriodMs is ${gracePeriodMs}: the module cuts ` +
          'it short, though the pod has the time.',
        fix: `Set gracePeriodMs: ${grace.ms - grace.preStopMs} in the module's options.`,
      };
    }
  },
};

/** A container that liveness restarts has the probe's grace period, where it has one. */
export const probeGracePeriod: Rule = {
  id: 'probe-grace-period',
  severity: 'doubt',
  title: 'a liveness probe with a grace period of its own, too short for a shutdown',
  *remarks({ application, workloads }: Scene): Iterable<Remark> {
    const parts = sigtermParts(application);
    for (const { container } of workloads) {
      const field = container.get('livenessProbe', 'terminationGracePeriodSeconds');
      if (field.number === undefined || field.number * 1_000 >= sumOf(parts)) continue;
      yield {
        at: field.place,
        what: `A container that liveness restarts gets ${field.number} s, and its shutdown may take ${spell(parts)}.`,
        fix: "Remove it: the pod's terminationGracePeriodSeconds holds then.",
      };
    }
  },
};

/** Without one, and without a sleep in its place, requests that are still on their way arrive while the pod drains. */
export const lameDuckOff: Rule = {
  id: 'lame-duck-off',
  severity: 'fault',
  title: 'lameDuck is off under Kubernetes',
  *remarks({ application, workloads }): Iterable<Remark> {
    if (application.budget.lameDuckMaxMs > 0) return;
    for (const workload of workloads) {
      if (!workload.isServer || preStopOf(workload)) continue;
      yield {
        at: workload.place,
        what:
          'lameDuck is off under Kubernetes: endpoints are removed while the pod is already draining, ' +
          'and requests still on their way are refused.',
        fix: "Leave lameDuck on 'auto' in the module's options.",
      };
    }
  },
};

function graceOf(workload: Workload): Grace {
  const field = workload.pod.get('terminationGracePeriodSeconds');
  const ms = (field.number ?? defaultGraceSeconds) * 1_000;
  const preStopMs = preStopOf(workload)?.sleepMs ?? 0;
  return { ms, at: field.place, isDefault: field.number === undefined, preStopMs };
}

function partsOf({ preStopMs }: Grace, parts: readonly Part[]): readonly Part[] {
  return [['preStop', preStopMs], ...parts];
}

function fits(parts: readonly Part[], { ms }: Grace): boolean {
  return sumOf(parts) <= ms;
}
