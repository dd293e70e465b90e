import { type Field } from '../read/field.js';
import { countOf, type Replicas, replicasOf } from '../read/replicas.js';
import { ingressClassOf, workloadsBehind } from '../read/routes.js';
import { type Workload } from '../read/workload.js';
import { type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';

/** Kinds that Kubernetes replaces pod by pod, and where each says how many at once. */
const updates: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['strategy', 'rollingUpdate'],
  Rollout: ['strategy', 'canary'],
  StatefulSet: ['updateStrategy', 'rollingUpdate'],
  DaemonSet: ['updateStrategy', 'rollingUpdate'],
};

/** Balancers outside of the cluster, which take a while to learn of a new pod. */
const slowBalancers = ['alb', 'gce', 'gce-internal'];

export const maxUnavailable: Rule = {
  id: 'max-unavailable',
  severity: 'fault',
  title: 'maxUnavailable takes the last replica',
  *remarks(scene): Iterable<Remark> {
    for (const workload of scene.workloads) {
      const taken = takenByRollout(scene, workload);
      if (!taken) continue;
      yield {
        at: taken.field.place,
        what:
          `maxUnavailable: ${taken.field.text} takes ` +
          `${taken.replicas === undefined ? 'every pod' : `all ${taken.replicas.count} of ${taken.replicas.count} replicas`} ` +
          'at once: during a roll-out nobody serves.',
        fix: workload.kind === 'DaemonSet' ? 'Set maxUnavailable: 1.' : 'Set maxUnavailable: 0 and maxSurge: 1.',
      };
    }
  },
};

export const singleReplica: Rule = {
  id: 'single-replica',
  severity: 'doubt',
  title: 'a single replica, which nobody stands in for',
  *remarks(scene): Iterable<Remark> {
    if (scene.application.budget.options.readiness === 'after-lame-duck') return;
    for (const workload of scene.workloads) {
      const replicas = replicasOf(scene, workload);
      if (replicas?.count !== 1 || isRecreated(workload) || takenByRollout(scene, workload)) continue;
      yield {
        at: replicas.at,
        what:
          'One replica: when its node is drained nobody takes the traffic, and readiness that fails at ' +
          'once leaves the Service without an endpoint.',
        fix: "Run replicas: 2, or set readiness: 'after-lame-duck' in the module's options.",
      };
    }
  },
};

export const recreate: Rule = {
  id: 'recreate',
  severity: 'doubt',
  title: 'the Recreate strategy, which stops all before it starts any',
  *remarks({ workloads }): Iterable<Remark> {
    for (const workload of workloads) {
      if (!isRecreated(workload)) continue;
      yield {
        at: workload.spec.get('strategy', 'type').place,
        what: 'Recreate stops every pod before it starts a new one: during a roll-out nobody serves.',
        fix:
          'Set type: RollingUpdate with maxUnavailable: 0 and maxSurge: 1, unless two versions must ' +
          'never run together.',
      };
    }
  },
};

/** A new pod that is ready, and not yet known to the balancer, has its elder taken down. */
export const minReadySeconds: Rule = {
  id: 'min-ready-seconds',
  severity: 'doubt',
  title: 'a balancer outside of the cluster, and no minReadySeconds to wait for it',
  *remarks(scene): Iterable<Remark> {
    const ingresses = scene.objects.filter(
      (object) => object.kind === 'Ingress' && slowBalancers.includes(ingressClassOf(object)),
    );
    const behind = new Set(ingresses.flatMap((ingress) => workloadsBehind(scene, ingress)));
    for (const { kind, spec, pod } of behind) {
      if (kind !== 'Deployment' || (spec.get('minReadySeconds').number ?? 0) > 0) continue;
      if (pod.get('readinessGates').exists) continue;
      yield {
        at: spec.get('minReadySeconds').place,
        what:
          'The balancer learns of a new pod some seconds after it is ready, and the old one is told to ' +
          'leave at once: for a while the balancer knows of neither.',
        fix: "Set minReadySeconds: 15, or have the balancer's controller inject readiness gates.",
      };
    }
  },
};

function isRecreated({ kind, spec }: Workload): boolean {
  return kind === 'Deployment' && spec.get('strategy', 'type').text === 'Recreate';
}

/** What a roll-out takes, when that is all there is. A surge does not help: it may come after. */
function takenByRollout(scene: Scene, workload: Workload): { field: Field; replicas?: Replicas } | undefined {
  const path = updates[workload.kind];
  if (!path || isRecreated(workload)) return undefined;
  const field = workload.spec.get(...path, 'maxUnavailable');
  if (!field.exists) return undefined;
  if (workload.kind === 'DaemonSet') return field.text === '100%' ? { field } : undefined;
  const replicas = replicasOf(scene, workload);
  if (!replicas || replicas.count === 0) return undefined;
  const count = countOf(field.text, replicas.count, Math.floor);
  return count !== undefined && count >= replicas.count ? { field, replicas } : undefined;
}
