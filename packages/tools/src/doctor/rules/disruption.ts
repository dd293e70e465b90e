import { countOf, replicasOf } from '../read/replicas.js';
import { type Remark, type Rule } from '../rule.js';

export const pdbBlocks: Rule = {
  id: 'pdb-blocks',
  severity: 'doubt',
  title: 'a PodDisruptionBudget that lets no pod be evicted',
  *remarks(scene): Iterable<Remark> {
    for (const { kind, namespace, field } of scene.objects) {
      if (kind !== 'PodDisruptionBudget') continue;
      const spec = field.get('spec');
      const selector = spec.get('selector', 'matchLabels');
      for (const workload of scene.workloads.filter((each) => each.isSelectedBy(selector, namespace))) {
        const replicas = replicasOf(scene, workload);
        if (!replicas || replicas.count === 0) continue;
        const least = spec.get('minAvailable');
        const most = spec.get('maxUnavailable');
        const kept = countOf(least.text, replicas.count, Math.ceil);
        const evicted = countOf(most.text, replicas.count, Math.ceil);
        const blocking = kept !== undefined && kept >= replicas.count ? least : evicted === 0 ? most : undefined;
        if (!blocking) continue;
        const name = blocking === least ? 'minAvailable' : 'maxUnavailable';
        yield {
          at: blocking.place,
          what:
            `${name}: ${blocking.text} of ${replicas.count} lets no pod be evicted: a node drain waits ` +
            'for ever, until somebody kills the pods by force.',
          fix:
            replicas.count > 1
              ? `Set maxUnavailable: 1 instead.`
              : 'Set maxUnavailable: 1 instead, and run two replicas.',
        };
      }
    }
  },
};

/** Headless Services are left alone: peers look for each other there before they are ready. */
export const publishNotReady: Rule = {
  id: 'publish-not-ready',
  severity: 'fault',
  title: 'a Service that publishes addresses that are not ready',
  *remarks({ objects, workloads }): Iterable<Remark> {
    for (const { kind, namespace, field } of objects) {
      const spec = field.get('spec');
      const published = spec.get('publishNotReadyAddresses');
      if (kind !== 'Service' || published.text !== 'true' || spec.get('clusterIP').text === 'None') continue;
      if (!workloads.some((workload) => workload.isSelectedBy(spec.get('selector'), namespace))) continue;
      yield {
        at: published.place,
        what:
          'publishNotReadyAddresses keeps a pod in the endpoints though its readiness fails: a lame ' +
          'duck gets new requests to its end.',
        fix: 'Remove it.',
      };
    }
  },
};
