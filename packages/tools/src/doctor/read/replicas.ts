import { type Setting, type Workload } from '../model.js';
import { type Scene } from '../scene.js';
import { type KubernetesObject } from './object.js';
import { numberOf } from './setting.js';

const scalers = ['HorizontalPodAutoscaler', 'ScaledObject'];

/**
 * The fewest replicas that a workload runs with. An autoscaler's least counts, not `replicas`; none is known where KEDA
 * scales.
 */
export function replicasOf(scene: Scene, workload: Workload): Setting<number> | undefined {
  const scaler = scalerOf(scene, workload);
  if (!scaler) return workload.replicas;
  return scaler.kind === 'ScaledObject' ? undefined : numberOf(scaler.field.get('spec', 'minReplicas'), 1);
}

/** The autoscaler of a workload. */
export function scalerOf({ objects }: Scene, { kind, pods }: Workload): KubernetesObject | undefined {
  if (!pods) return undefined;
  return objects.find((each) => {
    if (!scalers.includes(each.kind) || each.namespace !== pods.object.namespace) return false;
    const target = each.field.get('spec', 'scaleTargetRef');
    return target.get('name').text === pods.object.name && (target.get('kind').text ?? 'Deployment') === kind;
  });
}
