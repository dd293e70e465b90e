import { type Port, type Workload } from '../model.js';
import { type Scene } from '../scene.js';
import { type KubernetesObject } from './object.js';
import { isSelectedBy } from './selector.js';

/** Ports that tell of the process, and take no traffic. */
const otherPorts = /metric|prom|debug|inspect|health|admin|pprof/i;

/** The Services that lead to a workload. */
export function servicesOf({ objects }: Scene, workload: Workload): readonly KubernetesObject[] {
  return objects.filter(
    ({ kind, namespace, field }) =>
      kind === 'Service' && isSelectedBy(workload, field.get('spec', 'selector'), namespace),
  );
}

/** Reports whether somebody sends requests to a workload: it has a port for them, a probe, or a Service. */
export function isServing(scene: Scene, workload: Workload): boolean {
  if (workload.isServing !== undefined) return workload.isServing;
  const ports = workload.containers.flatMap((container) => container.ports);
  if (ports.length > 0) return ports.some(takesRequests);
  const isAsked = workload.containers.some(({ readiness }) => readiness?.port !== undefined);
  return isAsked || servicesOf(scene, workload).length > 0;
}

/** Reports whether a port is for requests, as far as its name tells. */
export function takesRequests({ name = '' }: Port): boolean {
  return !otherPorts.test(name);
}

/** Those that somebody sends requests to. */
export function serversOf(scene: Scene): readonly Workload[] {
  return scene.workloads.filter((workload) => isServing(scene, workload));
}

/** The workloads that an Ingress, or a Service, leads to; all, when its Services are not among the manifests. */
export function workloadsBehind(scene: Scene, object: KubernetesObject): readonly Workload[] {
  const servers = serversOf(scene).filter(({ pods }) => pods !== undefined);
  if (object.kind === 'Service') return servers.filter((workload) => servicesOf(scene, workload).includes(object));
  if (object.kind !== 'Ingress') return servers;
  const names = backendsOf(object);
  const isKnown = scene.objects.some(({ kind, name }) => kind === 'Service' && names.has(name));
  if (!isKnown) return servers;
  return servers.filter((workload) =>
    servicesOf(scene, workload).some(({ name, namespace }) => names.has(name) && namespace === object.namespace),
  );
}

/** As `ingressClassName`, the annotation before it, or those of its controller say. */
export function ingressClassOf({ field }: KubernetesObject): string {
  const annotation = field.get('metadata', 'annotations', 'kubernetes.io/ingress.class').text;
  const named = field.get('spec', 'ingressClassName').text ?? annotation ?? '';
  const annotations = field.get('metadata', 'annotations').entries();
  // Classes have the names that a cluster gives them; annotations tell whose they are.
  const isOfAws = annotations.some(([key]) => key.startsWith('alb.ingress.kubernetes.io/'));
  return isOfAws && !/nginx|gce/.test(named) ? 'alb' : named;
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
