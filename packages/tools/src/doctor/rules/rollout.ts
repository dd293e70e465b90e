import { type Workload } from '../model.js';
import { replicasOf, scalerOf } from '../read/replicas.js';
import { ingressClassOf, serversOf, workloadsBehind } from '../read/routes.js';
import { nameOf, type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';

/** Balancers outside of the cluster, which take a while to learn of a new pod. */
const slowBalancers = ['alb', 'gce', 'gce-internal'];
/** Where there is one process on each node, and nobody says how many nodes there are. */
const manyNodes = 1_000;

export const maxUnavailable: Rule = {
  id: 'max-unavailable',
  severity: 'fault',
  title: 'an update that stops the last replica before its successor serves',
  *remarks(scene): Iterable<Remark> {
    for (const workload of serversOf(scene)) {
      const count = takenByUpdate(scene, workload);
      const { update } = workload;
      if (count === undefined || !update?.isGiven) continue;
      const each = workload.pods ? 'every pod' : 'every task';
      const all = workload.replicas === undefined ? each : count === 1 ? 'the only replica' : `all ${count} replicas`;
      yield {
        at: update.at,
        on: nameOf(workload),
        what: `${update.text} takes ${all} before a successor serves: during a roll-out nobody does.`,
        fix: `${update.fix(count)}.`,
      };
    }
  },
};

export const singleReplica: Rule = {
  id: 'single-replica',
  severity: 'doubt',
  title: 'a single replica, which nobody stands in for',
  *remarks(scene): Iterable<Remark> {
    for (const workload of serversOf(scene)) {
      const replicas = replicasOf(scene, workload);
      if (replicas?.value !== 1 || workload.update?.isRecreate) continue;
      const isTaken = takenByUpdate(scene, workload) !== undefined;
      if (isTaken && workload.update?.isGiven) continue;
      if (!isTaken && scene.application.budget.options.readiness === 'after-lame-duck') continue;
      yield {
        at: replicas.at,
        on: nameOf(workload),
        what: isTaken
          ? `One replica of a ${workload.kind}, which is stopped before its successor starts: nobody serves meanwhile.`
          : 'One replica: when its node is drained nobody takes the traffic, and readiness that fails at ' +
            'once leaves the Service without an endpoint.',
        fix: `Run replicas: 2${isTaken ? '' : ", or set readiness: 'after-lame-duck' in the module's options"}.`,
      };
    }
  },
};

export const recreate: Rule = {
  id: 'recreate',
  severity: 'doubt',
  title: 'an update on purpose that stops all before it starts any',
  *remarks(scene): Iterable<Remark> {
    for (const workload of serversOf(scene)) {
      const { update } = workload;
      if (!update?.isRecreate || workload.replicas?.value === 0) continue;
      yield {
        at: update.at,
        on: nameOf(workload),
        what: `${update.text} stops every replica before it starts a new one: during a roll-out nobody serves.`,
        fix: `${update.fix(workload.replicas?.value ?? 1)}, unless two versions must never run together.`,
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
    for (const workload of behind) {
      const { pods, kind } = workload;
      const field = pods?.object.field.get('spec', 'minReadySeconds');
      if (!pods || !field || kind !== 'Deployment' || (field.exists && field.text !== '0')) continue;
      if (pods.spec.get('readinessGates').exists) continue;
      yield {
        at: field.place,
        on: nameOf(workload),
        what:
          'The balancer learns of a new pod some seconds after it is ready, and the old one is told to ' +
          'leave at once: for a while the balancer knows of neither.',
        fix: "Set minReadySeconds: 15, or have the balancer's controller inject readiness gates.",
      };
    }
  },
};

/** An apply ends what an autoscaler has started, all at once. */
export const scaledReplicas: Rule = {
  id: 'scaled-replicas',
  severity: 'doubt',
  title: 'replicas beside an autoscaler, which each apply sets back',
  *remarks(scene): Iterable<Remark> {
    for (const workload of scene.workloads) {
      const { replicas } = workload;
      const scaler = scalerOf(scene, workload);
      if (!scaler || replicas?.text === undefined || replicas.value === 0) continue;
      const spec = scaler.field.get('spec');
      const most = spec.get('maxReplicas').exists ? spec.get('maxReplicas') : spec.get('maxReplicaCount');
      if (most.number !== undefined && replicas.value !== undefined && most.number <= replicas.value) continue;
      yield {
        at: replicas.at,
        on: nameOf(workload),
        what:
          `Each apply sets replicas back to ${replicas.text}, though ${scaler.kind} ${scaler.name} may have ` +
          `${most.number ?? 'more'} by then: all the others are stopped at once.`,
        fix: 'Remove replicas: the autoscaler alone says how many.',
      };
    }
  },
};

/** How many there are, when an update takes all of them. A surge does not help: it may come after. */
function takenByUpdate(scene: Scene, workload: Workload): number | undefined {
  const { update } = workload;
  if (!update || update.isRecreate) return undefined;
  const count = workload.replicas === undefined ? manyNodes : replicasOf(scene, workload)?.value;
  if (!count) return undefined;
  const taken = update.taken(count);
  return taken !== undefined && taken >= count ? count : undefined;
}
