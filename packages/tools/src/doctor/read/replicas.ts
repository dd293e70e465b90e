import { type Place } from '../finding.js';
import { type Scene } from '../scene.js';
import { type KubernetesObject } from './manifests.js';
import { type Workload } from './workload.js';

const scalers = ['HorizontalPodAutoscaler', 'ScaledObject'];

/** The fewest replicas that a workload runs with, and where that is said. */
export interface Replicas {
  readonly count: number;
  readonly at: Place;
}

/** An autoscaler's least counts, not `replicas`; none is known where KEDA scales, nor where there is one pod a node. */
export function replicasOf({ objects }: Scene, workload: Workload): Replicas | undefined {
  const { kind, object, spec } = workload;
  if (kind === 'DaemonSet' || !workload.isServer) return undefined;
  if (kind === 'Pod') return { count: 1, at: workload.place };
  const scaler = objects.find(
    (each) => scalers.includes(each.kind) && each.namespace === object.namespace && isScaledBy(each, workload),
  );
  if (scaler?.kind === 'ScaledObject') return undefined;
  const field = scaler ? scaler.field.get('spec', 'minReplicas') : spec.get('replicas');
  return { count: field.number ?? 1, at: field.place };
}

function isScaledBy({ field }: KubernetesObject, { kind, object }: Workload): boolean {
  const target = field.get('spec', 'scaleTargetRef');
  return target.get('name').text === object.name && (target.get('kind').text ?? 'Deployment') === kind;
}

/** A count, or a percentage of the replicas. */
export function countOf(
  value: string | undefined,
  replicas: number,
  round: (count: number) => number,
): number | undefined {
  const [, digits, percent] = /^(\d+)(%?)$/.exec(value ?? '') ?? [];
  if (digits === undefined) return undefined;
  return percent ? round((Number(digits) * replicas) / 100) : Number(digits);
}
