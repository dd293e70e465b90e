import { type Place } from '../finding.js';
import { type Scene } from '../scene.js';
import { type Field } from './field.js';
import { type KubernetesObject } from './manifests.js';
import { ingressClassOf } from './routes.js';

/** A time of a balancer's, and where it is said. */
export interface BalancerTime {
  readonly object: KubernetesObject;
  readonly at: Place;
  /** As findings name it. */
  readonly name: string;
  readonly ms: number;
  /** Whether the manifests say it, or it is the balancer's own. */
  readonly isGiven: boolean;
}

/** Google's keeps idle connections to pods for this long, whatever is configured. */
const googleIdleMs = 600_000;
const ingressIdleMs: Readonly<Record<string, number>> = {
  nginx: 60_000,
  alb: 60_000,
  gce: googleIdleMs,
  'gce-internal': googleIdleMs,
};

/** How long each balancer keeps an idle connection to a pod. */
export function idleTimes({ objects }: Scene): readonly BalancerTime[] {
  return objects.flatMap((object) => {
    const { kind, field } = object;
    const annotations = field.get('metadata', 'annotations');
    switch (kind) {
      case 'Ingress':
        return idleOfIngress(object, annotations);
      case 'Service':
        return given(
          object,
          'the load balancer',
          annotations.get('service.beta.kubernetes.io/aws-load-balancer-connection-idle-timeout'),
        );
      case 'ConfigMap':
        return given(object, 'nginx', field.get('data', 'upstream-keepalive-timeout'));
      case 'IngressClassParams':
        return field
          .get('spec', 'loadBalancerAttributes')
          .items()
          .flatMap((attribute) => {
            const isIdle = attribute.get('key').text === 'idle_timeout.timeout_seconds';
            return isIdle ? given(object, 'the ALB', attribute.get('value')) : [];
          });
      case 'BackendConfig':
        return [{ object, at: field.get('spec').place, name: "Google's balancer", ms: googleIdleMs, isGiven: true }];
      default:
        return [];
    }
  });
}

/** How long each balancer lets requests in flight end once a pod is to leave. */
export function drainingTimes({ objects }: Scene): readonly BalancerTime[] {
  return objects.flatMap((object) => {
    const { kind, field } = object;
    if (kind === 'BackendConfig') {
      return given(
        object,
        'connectionDraining.drainingTimeoutSec',
        field.get('spec', 'connectionDraining', 'drainingTimeoutSec'),
      );
    }
    const name = 'alb.ingress.kubernetes.io/target-group-attributes';
    const attributes = field.get('metadata', 'annotations', name);
    const seconds = attribute(attributes, 'deregistration_delay.timeout_seconds');
    return seconds === undefined ? [] : [time(object, 'deregistration_delay.timeout_seconds', attributes, seconds)];
  });
}

function idleOfIngress(object: KubernetesObject, annotations: Field): readonly BalancerTime[] {
  const nginx = given(object, 'nginx', annotations.get('nginx.ingress.kubernetes.io/upstream-keepalive-timeout'));
  if (nginx.length > 0) return nginx;
  const attributes = annotations.get('alb.ingress.kubernetes.io/load-balancer-attributes');
  const seconds = attribute(attributes, 'idle_timeout.timeout_seconds');
  if (seconds !== undefined) return [time(object, 'the ALB', attributes, seconds)];
  const ms = ingressIdleMs[ingressClassOf(object)];
  if (ms === undefined) return [];
  const at = object.field.get('kind').place;
  return [{ object, at, name: `the balancer (${ingressClassOf(object)})`, ms, isGiven: false }];
}

/** Seconds, with or without their unit. */
function given(object: KubernetesObject, name: string, field: Field): readonly BalancerTime[] {
  const [, digits] = /^(\d+)s?$/.exec(field.text ?? '') ?? [];
  return digits === undefined ? [] : [time(object, name, field, Number(digits))];
}

function time(object: KubernetesObject, name: string, { place: at }: Field, seconds: number): BalancerTime {
  return { object, at, name, ms: seconds * 1_000, isGiven: true };
}

/** One of `name=value,name=value`. */
function attribute({ text = '' }: Field, name: string): number | undefined {
  const pair = text.split(',').find((each) => each.trim().startsWith(`${name}=`));
  return pair && /=\s*\d+\s*$/.test(pair) ? Number(pair.split('=')[1]) : undefined;
}
