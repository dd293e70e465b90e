import { seconds, spell, sumOf } from '../application.js';
import { isServerless } from '../read/workload.js';
import { serversOf } from '../read/routes.js';
import { nameOf, type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';
import { partsFor, type Reckoning, reckoningsOf } from './reckoning.js';

/** The parts of a shutdown have to fit between the end of the time in service and SIGKILL. */
export const graceBudget: Rule = {
  id: 'grace-budget',
  severity: 'fault',
  title: 'preStop, lame duck, drain, hooks and margin exceed the grace period',
  *remarks(scene): Iterable<Remark> {
    for (const reckoning of reckoningsOf(scene)) {
      if (reckoning.fits) continue;
      const { workload, graceMs, spelt } = reckoning;
      const { grace } = workload;
      const whose = grace.ruledBy ? `${grace.ruledBy}'s SIGKILL` : 'SIGKILL';
      const why = grace.ruledBy ? ', which cannot be changed' : grace.ms.text === undefined ? ', the default' : '';
      yield {
        at: grace.ms.at,
        on: nameOf(workload),
        severity: grace.isAssumed || reckoning.fitsUnasked ? 'doubt' : 'fault',
        what:
          `A shutdown may take ${spelt}, and ${whose} comes after ${seconds(graceMs)}${why}: what is in flight ` +
          `then is lost.${reckoning.fitsUnasked ? ' It fits where nobody asks for readiness, which a lame duck waits for.' : ''}`,
        fix: fixFor(reckoning, scene),
      };
    }
  },
};

/** A longer grace period, which has to hold the module's own bound, too; or parts that are shorter. */
function fixFor({ workload: { grace }, ownMs, preStopMs, graceMs }: Reckoning, scene: Scene): string {
  const { gracePeriodMs } = scene.application.budget;
  const wantedMs = Math.max(ownMs, gracePeriodMs) + preStopMs;
  if (!grace.write || wantedMs > (grace.mostMs ?? Infinity)) {
    return `Give the parts less, in the module's options: ${partsWithin(grace.mostMs ?? graceMs, preStopMs)}.`;
  }
  const option = ownMs > gracePeriodMs ? `, and gracePeriodMs: ${ownMs} in the module's options` : '';
  return `Set ${grace.write(wantedMs)}${option}, or shorten the parts.`;
}

/** A quarter of what the margin leaves is for hooks, and the rest for the drain. */
function partsWithin(graceMs: number, preStopMs: number): string {
  const leftMs = Math.max(2_000, graceMs - preStopMs - 1_000);
  const hooksMs = Math.max(500, Math.floor(leftMs / 4_000) * 1_000);
  return `lameDuck: false, drainTimeoutMs: ${leftMs - hooksMs}, hookTimeoutMs: ${hooksMs}`;
}

/** The module ends the process, with a report, one second before `gracePeriodMs`: SIGKILL should not come first. */
export const gracePeriodOption: Rule = {
  id: 'grace-period-option',
  severity: 'doubt',
  title: "the module's gracePeriodMs is longer than what the platform leaves it",
  *remarks(scene): Iterable<Remark> {
    for (const { workload, fits, graceMs, preStopMs } of reckoningsOf(scene)) {
      const leftMs = graceMs - preStopMs;
      const boundMs = boundOf(workload, scene);
      if (!fits || boundMs === undefined || boundMs <= leftMs) continue;
      const longer = workload.grace.write?.(boundMs + preStopMs);
      yield {
        at: workload.grace.ms.at,
        on: nameOf(workload),
        what:
          `gracePeriodMs is ${boundMs}, and SIGKILL comes ${seconds(leftMs)} after the signal: ` +
          'a shutdown that hangs is killed without a report.',
        fix: `Set ${longer ? `${longer}, or ` : ''}gracePeriodMs: ${leftMs} in the module's options.`,
      };
    }
  },
};

/** The same sum as `grace-budget`, against the bound that the module was given. */
export const optionsBudget: Rule = {
  id: 'options-budget',
  severity: 'fault',
  title: "lame duck, drain, hooks and margin exceed the module's gracePeriodMs",
  *remarks(scene): Iterable<Remark> {
    for (const { workload, fits, ownMs, graceMs, preStopMs } of reckoningsOf(scene)) {
      const boundMs = boundOf(workload, scene);
      if (!fits || boundMs === undefined || ownMs <= boundMs) continue;
      yield {
        at: workload.grace.ms.at,
        on: nameOf(workload),
        what:
          `A shutdown may take ${spell(partsFor(workload, scene))}, and gracePeriodMs is ${boundMs}: ` +
          'the module cuts it short, though the platform grants the time.',
        fix: `Set gracePeriodMs: ${graceMs - preStopMs} in the module's options.`,
      };
    }
  },
};

/** `gracePeriodMs`; of `'auto'` what the module takes in a pod, where it cannot know better. */
function boundOf(workload: Reckoning['workload'], { application: { budget } }: Scene): number | undefined {
  const isSeen = workload.pods === undefined || isServerless(workload);
  return budget.options.gracePeriodMs === 'auto' && isSeen ? undefined : budget.gracePeriodMs;
}

/** A container that liveness restarts has the probe's grace period, where it has one. */
export const probeGracePeriod: Rule = {
  id: 'probe-grace-period',
  severity: 'doubt',
  title: 'a liveness probe with a grace period of its own, too short for a shutdown',
  *remarks(scene): Iterable<Remark> {
    for (const workload of scene.workloads) {
      const parts = partsFor(workload, scene);
      for (const container of workload.containers) {
        const grace = container.liveness?.graceSeconds;
        if (grace?.value === undefined || grace.value * 1_000 >= sumOf(parts)) continue;
        yield {
          at: grace.at,
          on: nameOf(workload, container),
          what: `A container that liveness restarts gets ${grace.value} s, and its shutdown may take ${spell(parts)}.`,
          fix: "Remove it: the pod's terminationGracePeriodSeconds holds then.",
        };
      }
    }
  },
};

/** Without one, and without a sleep in its place, requests that are still on their way arrive while the pod drains. */
export const lameDuckOff: Rule = {
  id: 'lame-duck-off',
  severity: 'fault',
  title: 'lameDuck is off under Kubernetes',
  *remarks(scene): Iterable<Remark> {
    if (scene.application.budget.lameDuckMaxMs > 0) return;
    for (const workload of serversOf(scene)) {
      if (!workload.pods || isServerless(workload) || workload.containers.some(({ preStop }) => preStop)) continue;
      yield {
        at: workload.at,
        on: nameOf(workload),
        what:
          'lameDuck is off under Kubernetes: endpoints are removed while the pod is already draining, ' +
          'and requests still on their way are refused.',
        fix: "Leave lameDuck on 'auto' in the module's options.",
      };
    }
  },
};

/** The lame duck does a sleep's work, and ends when traffic has gone. While both fit nothing is lost but time. */
export const preStopSleep: Rule = {
  id: 'pre-stop-sleep',
  severity: 'doubt',
  title: 'a preStop sleep on top of a lame duck, which costs time',
  *remarks({ application, workloads }): Iterable<Remark> {
    const { lameDuckMinMs: minMs, lameDuckMaxMs: maxMs } = application.budget;
    if (maxMs === 0) return;
    for (const workload of workloads) {
      for (const container of workload.containers) {
        const { preStop } = container;
        if (!preStop?.ms) continue;
        yield {
          at: preStop.at,
          on: nameOf(workload, container),
          what:
            `preStop sleeps ${seconds(preStop.ms)} before the signal, on top of a lame duck of ` +
            `${minMs / 1_000} to ${seconds(maxMs)}: every roll-out waits twice.`,
          fix: 'Remove preStop: the lame duck does its work, and ends when traffic has gone.',
        };
      }
    }
  },
};

/** Whatever runs before the signal counts against the grace period. */
export const preStopUnknown: Rule = {
  id: 'pre-stop-unknown',
  severity: 'doubt',
  title: 'a preStop hook whose time cannot be known',
  *remarks({ workloads }): Iterable<Remark> {
    for (const workload of workloads) {
      for (const container of workload.containers) {
        const { preStop } = container;
        if (!preStop || preStop.ms !== undefined) continue;
        yield {
          at: preStop.at,
          on: nameOf(workload, container),
          what:
            `preStop (${preStop.name}) runs before the signal, and its time, which cannot be known ` +
            'here, is taken off the grace period.',
          fix: "Remove it, or make its work an @OnShutdown('lame-duck') hook, which the budget knows.",
        };
      }
    }
  },
};
