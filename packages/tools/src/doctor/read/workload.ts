import { usualGracePeriodMs } from 'nestjs-drain';
import { type Grace, type NotChecked, type Setting, type Workload } from '../model.js';
import { containerOf } from './container.js';
import { type Field } from './field.js';
import { type KubernetesObject } from './object.js';
import { numberOf, secondsOf } from './setting.js';
import { updateOf } from './update.js';

const templates: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  DeploymentConfig: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Rollout: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  ScaledJob: ['spec', 'jobTargetRef', 'template'],
  Pod: [],
};
const jobs = ['Job', 'CronJob', 'ScaledJob'];
const knativeKinds = ['Service', 'Configuration', 'Revision'];

/** What Kubernetes grants when nothing is said, seconds. */
const graceSeconds = usualGracePeriodMs('Kubernetes') / 1_000;
/** What Cloud Run grants, always, ms. */
const cloudRunGraceMs = usualGracePeriodMs('Google Cloud Run');

/** Reports whether an object runs pods. */
export function runsPods(object: KubernetesObject): boolean {
  return object.kind in templates || isKnative(object);
}

/** What runs pods, with its containers; or why it is not looked at. */
export function workloadOf(object: KubernetesObject): { workload: Workload } | { notChecked: NotChecked } | undefined {
  if (isHelmTest(object)) return undefined;
  const isRevision = object.kind === 'Revision';
  const path = templates[object.kind] ?? (isRevision ? [] : ['spec', 'template']);
  const template = object.field.get(...path);
  const spec = template.get('spec');
  const containers = spec.get('containers').items();
  const runsToAnEnd = jobs.includes(object.kind) || (spec.get('restartPolicy').text ?? 'Always') !== 'Always';
  const at = object.field.get('kind').place;
  if (containers.length === 0 && !runsToAnEnd) {
    const reference = object.field.get('spec', 'workloadRef', 'name').text;
    const why = reference
      ? `its pods are those of ${reference}, which rules look at alone`
      : 'it has no containers, as patches have none: render it first';
    return { notChecked: { at, what: `${object.kind} ${object.name}: ${why}` } };
  }
  const labels = template.get('metadata', 'labels').entries();
  if (!runsToAnEnd && object.kind !== 'Pod' && isPatch(object, containers)) {
    const what = `${object.kind} ${object.name}: its containers have no image, as in patches: render it first`;
    return { notChecked: { at, what } };
  }
  const workload: Workload = {
    kind: isKnative(object) ? `Knative ${object.kind}` : object.kind,
    name: object.name,
    at,
    containers: containers.map(containerOf),
    others: [],
    runsToAnEnd,
    isServing: isKnative(object) || undefined,
    replicas: replicasOf(object),
    update: isKnative(object) ? undefined : updateOf(object.kind, object.field.get('spec')),
    grace: isKnative(object) ? graceOfKnative(object) : graceOf(spec),
    stopSignal: { value: 'SIGTERM', at },
    pods: { object, template, spec, labels: new Map(labels.map(([label, value]) => [label, value.text ?? ''])) },
  };
  return { workload };
}

/** What a patch leaves out is said by what it is put on: neither is a default. */
function isPatch({ field }: KubernetesObject, containers: readonly Field[]): boolean {
  const own = ['image', 'command', 'args'];
  return !field.get('spec', 'selector').exists && !containers.some((each) => own.some((key) => each.get(key).exists));
}

/** Of the group that Cloud Run has taken over, `Service` is what runs. */
export function isKnative({ kind, field }: KubernetesObject): boolean {
  const apiVersion = field.get('apiVersion').text ?? '';
  return /^(serving\.knative\.dev|run\.googleapis\.com)\//.test(apiVersion) && knativeKinds.includes(kind);
}

/** Reports whether pods are stopped as Cloud Run does it. */
export function isServerless({ pods }: Workload): boolean {
  return pods !== undefined && isKnative(pods.object);
}

/** None is known where one pod runs on each node, nor where they are counted by requests. */
function replicasOf(object: KubernetesObject): Setting<number> | undefined {
  if (object.kind === 'DaemonSet' || isKnative(object)) return undefined;
  const field = object.field.get('kind');
  if (object.kind === 'Pod') return { value: 1, at: field.place };
  return numberOf(object.field.get('spec', 'replicas'), 1);
}

function graceOf(spec: Field): Grace {
  return {
    ms: secondsOf(spec.get('terminationGracePeriodSeconds'), graceSeconds),
    write: (ms) => `terminationGracePeriodSeconds: ${Math.ceil(ms / 1_000)}`,
  };
}

/** Knative on a cluster of one's own grants what the longest request takes: the files do not say where it runs. */
function graceOfKnative({ field }: KubernetesObject): Grace {
  const keys = [...field.get('metadata', 'annotations').entries(), ...field.get('metadata', 'labels').entries()];
  const template = field.get('spec', 'template', 'metadata', 'annotations').entries();
  const isOnCloudRun = [...keys, ...template].some(([key]) => key.includes('googleapis.com/'));
  const at = field.get('spec', 'template', 'spec').place;
  return { ms: { value: cloudRunGraceMs, at }, ruledBy: 'Cloud Run', isAssumed: !isOnCloudRun };
}

/** They try out a release, and end. */
function isHelmTest({ field }: KubernetesObject): boolean {
  return /\btest/.test(field.get('metadata', 'annotations', 'helm.sh/hook').text ?? '');
}
