import { type Scene } from '../scene.js';
import { type KubernetesObject } from './manifests.js';
import { type Workload } from './workload.js';

/** The Services that lead to a workload. */
export function servicesOf({ objects }: Scene, workload: Workload): readonly KubernetesObject[] {
  return objects.filter(
    ({ kind, namespace, field }) =>
      kind === 'Service' && workload.isSelectedBy(field.get('spec', 'selector'), namespace),
  );
}

/** The workloads that an Ingress, or a Service, leads to; all, when its Services are not among the manifests. */
export function workloadsBehind(scene: Scene, object: KubernetesObject): readonly Workload[] {
  const servers = scene.workloads.filter(({ isServer }) => isServer);
  if (object.kind === 'Service') return servers.filter((workload) => servicesOf(scene, workload).includes(object));
  if (object.kind !== 'Ingress') return servers;
  const names = backendsOf(object);
  const isKnown = scene.objects.some(({ kind, name }) => kind === 'Service' && names.has(name));
  if (!isKnown) return servers;
  return servers.filter((workload) =>
    servicesOf(scene, workload).some(({ name, namespace }) => names.has(name) && namespace === object.namespace),
  );
}

/** As `ingressClassName`, or the annotation before it, says. */
export function ingressClassOf({ field }: KubernetesObject): string {
  const annotation = field.get('metadata', 'annotations', 'kubernetes.io/ingress.class').text;
  return field.get('spec', 'ingressClassName').text ?? annotation ?? '';
}

function backendsOf({ field }: KubernetesObject): ReadonlySet<string> {
  const spec = field.get('spec');
  const paths = spec
    .get('rules')
    .items()
    .flatMap((rule) => rule.get('http', 'paths').items());
  const backends = [spec.get('defaultBackend'), ...paths.map((path) => path.get('backend'))];
  const names = backends.map((backend) => backend.get('service', 'name').text ?? backend.get('serviceName').text);
  return new Set(names.filter((name) => name !== undefined));
}
