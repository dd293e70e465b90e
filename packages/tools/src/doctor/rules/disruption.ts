import { type Workload } from '../model.js';
import { type Field } from '../read/field.js';
import { type KubernetesObject } from '../read/object.js';
import { replicasOf } from '../read/replicas.js';
import { serversOf } from '../read/routes.js';
import { isMatchedBy, isSelectedBy } from '../read/selector.js';
import { countOf } from '../read/setting.js';
import { nameOf, type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';

export const pdbBlocks: Rule = {
  id: 'pdb-blocks',
  severity: 'doubt',
  title: 'a PodDisruptionBudget that lets no pod be evicted',
  *remarks(scene): Iterable<Remark> {
    for (const budget of budgetsOf(scene)) {
      const spec = budget.field.get('spec');
      for (const workload of scene.workloads.filter((each) => isBudgetOf(budget, each))) {
        const count = replicasOf(scene, workload)?.value;
        if (!count) continue;
        const least = spec.get('minAvailable');
        const most = spec.get('maxUnavailable');
        const kept = countOf(least.text, count, Math.ceil);
        const evicted = countOf(most.text, count, Math.ceil);
        const blocking = kept !== undefined && kept >= count ? least : evicted === 0 ? most : undefined;
        if (!blocking) continue;
        const name = blocking === least ? 'minAvailable' : 'maxUnavailable';
        yield {
          at: blocking.place,
          on: { kind: budget.kind, name: budget.name },
          what:
            `${name}: ${blocking.text} of the ${count} of ${workload.kind} ${workload.name} lets no pod be evicted: a ` +
            'node drain waits for ever, until somebody kills the pods by force.',
          fix: `Set maxUnavailable: 1 instead${count > 1 ? '' : ', and run two replicas'}.`,
        };
      }
    }
  },
};

/** Where no workload has a budget, the files are silent on all of them: then nothing is said. */
export const noPdb: Rule = {
  id: 'no-pdb',
  severity: 'doubt',
  title: 'a workload without a PodDisruptionBudget among others that have one',
  *remarks(scene): Iterable<Remark> {
    const budgets = budgetsOf(scene);
    if (budgets.length === 0) return;
    for (const workload of serversOf(scene)) {
      const { pods } = workload;
      const count = replicasOf(scene, workload)?.value;
      if (!pods || count === undefined || count < 2 || budgets.some((budget) => isBudgetOf(budget, workload))) continue;
      const [label, value] = [...pods.labels][0] ?? ['app', workload.name];
      yield {
        at: workload.at,
        on: nameOf(workload),
        what: 'No PodDisruptionBudget selects its pods: node drains may evict all of them at the same time.',
        fix:
          'Add one: apiVersion: policy/v1, kind: PodDisruptionBudget, ' +
          `spec: { maxUnavailable: 1, selector: { matchLabels: { ${label}: ${value} } } }.`,
      };
    }
  },
};

/** One node that leaves takes all pods with it. */
export const oneNode: Rule = {
  id: 'one-node',
  severity: 'doubt',
  title: 'replicas that are kept on one node, or a spread that counts other pods',
  *remarks(scene): Iterable<Remark> {
    for (const workload of serversOf(scene)) {
      const { pods } = workload;
      const count = replicasOf(scene, workload)?.value;
      if (!pods || (count !== undefined && count < 2) || workload.replicas === undefined) continue;
      const tied = tieOf(workload, pods.spec);
      if (tied) yield { at: tied.at.place, on: nameOf(workload), what: tied.what, fix: tied.fix };
    }
  },
};

/** Headless Services are left alone: peers look for each other there before they are ready. */
export const publishNotReady: Rule = {
  id: 'publish-not-ready',
  severity: 'fault',
  title: 'a Service that publishes addresses that are not ready',
  *remarks({ objects, workloads }): Iterable<Remark> {
    for (const { kind, name, namespace, field } of objects) {
      const spec = field.get('spec');
      const published = spec.get('publishNotReadyAddresses');
      if (kind !== 'Service' || published.text !== 'true' || spec.get('clusterIP').text === 'None') continue;
      if (!workloads.some((workload) => isSelectedBy(workload, spec.get('selector'), namespace))) continue;
      yield {
        at: published.place,
        on: { kind, name },
        what:
          'publishNotReadyAddresses keeps a pod in the endpoints while it leaves: it gets new requests to its end, ' +
          'when they are refused.',
        fix: 'Remove publishNotReadyAddresses.',
      };
    }
  },
};

function budgetsOf({ objects }: Scene): readonly KubernetesObject[] {
  return objects.filter(({ kind }) => kind === 'PodDisruptionBudget');
}

function isBudgetOf({ namespace, field }: KubernetesObject, workload: Workload): boolean {
  return isMatchedBy(workload, field.get('spec', 'selector'), namespace);
}

function tieOf(workload: Workload, spec: Field): { at: Field; what: string; fix: string } | undefined {
  const hostname = 'kubernetes.io/hostname';
  const pinned = [spec.get('nodeName'), spec.get('nodeSelector', hostname)].find(({ exists }) => exists);
  const what = 'All replicas are kept on one node: when it is drained nobody serves.';
  if (pinned) return { at: pinned, what, fix: 'Remove it, and let topologySpreadConstraints spread them.' };
  const namespace = workload.pods!.object.namespace;
  const affinity = spec.get('affinity', 'podAffinity', 'requiredDuringSchedulingIgnoredDuringExecution');
  const together = affinity
    .items()
    .find(
      (term) =>
        term.get('topologyKey').text === hostname && isMatchedBy(workload, term.get('labelSelector'), namespace),
    );
  if (together) return { at: together, what, fix: 'Make it podAntiAffinity.' };
  const blind = spec
    .get('topologySpreadConstraints')
    .items()
    .map((each) => each.get('labelSelector'))
    .find((selector) => selector.exists && !isMatchedBy(workload, selector, namespace));
  if (!blind) return undefined;
  const [label, value] = [...workload.pods!.labels][0] ?? ['app', workload.name];
  return {
    at: blind,
    what: 'The spread counts other pods than these, and so does not spread them: one node may have all.',
    fix: `Set labelSelector: { matchLabels: { ${label}: ${value} } }.`,
  };
}
