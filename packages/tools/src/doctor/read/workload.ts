import { BadInputError } from '../bad-input.js';
import { type Place } from '../finding.js';
import { type Field } from './field.js';
import { type KubernetesObject } from './manifests.js';

const templates: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Rollout: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  Pod: [],
};

/** Images that are certainly no Nest application. */
const foreignImage =
  /^(adminer|cassandra|cloud-?sql-?proxy|cloudnative-pg|consul|cp-kafka|elasticsearch|envoy|etcd|fluent-?bit|fluentd|gce-proxy|grafana|haproxy|httpd|jaeger|keycloak|kafka|kibana|localstack|mailhog|mailpit|mariadb|memcached|minio|mongo|mongodb|mosquitto|mysql|nats|nginx|nginx-unprivileged|oauth2-proxy|opensearch|pgadmin4|pgbouncer|postgis|postgres|postgresql|prometheus|proxyv2|rabbitmq|redis|redis-stack|redpanda|traefik|valkey|vault|zookeeper)$/;

/** Something that runs pods, and the application's container in them. */
export class Workload {
  constructor(
    readonly object: KubernetesObject,
    /** The pod's spec. */
    readonly pod: Field,
    readonly labels: ReadonlyMap<string, string>,
    readonly container: Field,
  ) {}

  get kind(): string {
    return this.object.kind;
  }

  get spec(): Field {
    return this.object.field.get('spec');
  }

  /** What runs to an end, as jobs do, is asked for nothing meanwhile. */
  get isServer(): boolean {
    const restartPolicy = this.pod.get('restartPolicy').text ?? 'Always';
    return restartPolicy === 'Always' && this.kind !== 'Job' && this.kind !== 'CronJob';
  }

  /** Where to say something of the whole. */
  get place(): Place {
    return this.object.field.get('kind').place;
  }

  /** Whether a selector of a Service or a budget, its labels given, takes these pods. */
  isSelectedBy(selector: Field, namespace: string): boolean {
    const wanted = selector.entries();
    return (
      namespace === this.object.namespace &&
      wanted.length > 0 &&
      wanted.every(([label, value]) => this.labels.get(label) === value.text)
    );
  }
}

/** The application's workloads, and the names of those that were left out. */
export interface Workloads {
  readonly workloads: readonly Workload[];
  readonly leftOut: readonly string[];
}

/**
 * Databases, brokers and proxies are left out, unless there is nothing else.
 *
 * @param containerName the application's container; only workloads that have it are looked at
 * @throws BadInputError when no workload has it
 */
export function workloadsOf(objects: readonly KubernetesObject[], containerName?: string): Workloads {
  const all = objects.flatMap((object) => workloadOf(object, containerName) ?? []);
  if (containerName !== undefined) {
    if (all.length > 0 || objects.length === 0) return { workloads: all, leftOut: [] };
    throw new BadInputError(
      '--container',
      `Expected the name of a container in the manifests, got '${containerName}'. Check its spelling.`,
    );
  }
  const own = all.filter(({ container }) => !isForeign(container));
  const kept = own.length > 0 ? own : all;
  const leftOut = all.filter((each) => !kept.includes(each)).map(({ kind, object }) => `${kind} ${object.name}`);
  return { workloads: kept, leftOut };
}

function workloadOf(object: KubernetesObject, containerName?: string): Workload | undefined {
  const path = templates[object.kind];
  if (!path || isHelmTest(object)) return undefined;
  const template = object.field.get(...path);
  const pod = template.get('spec');
  const container = applicationOf(pod.get('containers').items(), containerName);
  if (!container) return undefined;
  const labels = template.get('metadata', 'labels').entries();
  return new Workload(object, pod, new Map(labels.map(([label, value]) => [label, value.text ?? ''])), container);
}

/** They try out a release, and end. */
function isHelmTest({ field }: KubernetesObject): boolean {
  return /\btest/.test(field.get('metadata', 'annotations', 'helm.sh/hook').text ?? '');
}

/** The one that has the most of what an application's container has; the first of equals. */
function applicationOf(containers: readonly Field[], name?: string): Field | undefined {
  if (name !== undefined) return containers.find((container) => container.get('name').text === name);
  const signs = (container: Field) =>
    (isForeign(container) ? 0 : 8) +
    (container.get('readinessProbe').exists || container.get('livenessProbe').exists ? 4 : 0) +
    (container.get('startupProbe').exists ? 2 : 0) +
    (container.get('ports').items().length > 0 ? 1 : 0);
  return containers.reduce<Field | undefined>(
    (best, container) => (best && signs(best) >= signs(container) ? best : container),
    undefined,
  );
}

function isForeign(container: Field): boolean {
  const image = container.get('image').text ?? '';
  const repository = image.split('@')[0]!.split('/').at(-1)!.split(':')[0]!;
  return foreignImage.test(repository);
}
