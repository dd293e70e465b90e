import { type Place } from '../finding.js';
import { type Scene } from '../scene.js';
import { type Field } from './field.js';
import { type KubernetesObject } from './object.js';
import { ingressClassOf } from './routes.js';

/** A time of a balancer's, and where it is said. */
export interface BalancerTime {
  readonly object: KubernetesObject;
  readonly at: Place;
  /** As findings name it. */
  readonly name: string;
  readonly ms: number;
}

/** How long a balancer keeps an idle connection. */
export interface IdleTime extends BalancerTime {
  /** Reports whether the balancer certainly has it: the manifests say so, or whose balancer it is. */
  readonly isCertain: boolean;
}

/** How long a balancer lets requests in flight end. */
export interface DrainingTime extends BalancerTime {
  /** How one writes another one there. */
  readonly write: (seconds: number) => string;
}

/** Google's keeps idle connections to pods for this long, whatever is configured. */
const googleIdleMs = 600_000;
const ingressIdle: Readonly<
  Record<string, { readonly name: string; readonly ms: number; readonly isCertain: boolean }>
> = {
  // Its own balancer tries another pod where a connection turns out to be closed.
  nginx: { name: 'the balancer (nginx)', ms: 60_000, isCertain: false },
  alb: { name: 'the ALB', ms: 60_000, isCertain: true },
  gce: { name: "Google's balancer", ms: googleIdleMs, isCertain: true },
  'gce-internal': { name: "Google's balancer", ms: googleIdleMs, isCertain: true },
};
const elb = 'service.beta.kubernetes.io/aws-load-balancer-';

/** How long each balancer keeps an idle connection to a pod. */
export function idleTimes({ objects }: Scene): readonly IdleTime[] {
  return objects.flatMap((object) => {
    const { kind, field } = object;
    const annotations = field.get('metadata', 'annotations');
    switch (kind) {
      case 'Ingress':
        return idleOfIngress(object, annotations);
      case 'Gateway':
        return field.get('spec', 'gatewayClassName').text?.startsWith('gke-l7-')
          ? [{ object, at: field.get('kind').place, ...ingressIdle.gce! }]
          : [];
      case 'Service':
        return given(object, 'the load balancer', annotations.get(`${elb}connection-idle-timeout`));
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
        return objects.some(isOfGoogle) // which tells of the same balancer
          ? []
          : [{ object, at: field.get('spec').place, name: "Google's balancer", ms: googleIdleMs, isCertain: true }];
      default:
        return [];
    }
  });
}

function isOfGoogle(object: KubernetesObject): boolean {
  return object.kind === 'Ingress' && ['gce', 'gce-internal'].includes(ingressClassOf(object));
}

/** How long each balancer lets requests in flight end once a pod is to leave. */
export function drainingTimes({ objects }: Scene): readonly DrainingTime[] {
  return objects.flatMap((object) => {
    const { kind, field } = object;
    const annotations = field.get('metadata', 'annotations');
    switch (kind) {
      case 'BackendConfig':
        return drainingOf(object, field.get('spec', 'connectionDraining'));
      case 'GCPBackendPolicy':
        return drainingOf(object, field.get('spec', 'default', 'connectionDraining'));
      case 'Service':
        return [
          ...deregistration(object, annotations.get(`${elb}target-group-attributes`)),
          ...classicDraining(object, annotations),
          ...deregistration(object, annotations.get('alb.ingress.kubernetes.io/target-group-attributes')),
        ];
      case 'Ingress':
        return deregistration(object, annotations.get('alb.ingress.kubernetes.io/target-group-attributes'));
      default:
        return [];
    }
  });
}

function idleOfIngress(object: KubernetesObject, annotations: Field): readonly IdleTime[] {
  const nginx = given(object, 'nginx', annotations.get('nginx.ingress.kubernetes.io/upstream-keepalive-timeout'));
  if (nginx.length > 0) return nginx;
  const attributes = annotations.get('alb.ingress.kubernetes.io/load-balancer-attributes');
  const ms = attribute(attributes, 'idle_timeout.timeout_seconds');
  if (ms !== undefined) return [{ object, at: attributes.place, name: 'the ALB', ms, isCertain: true }];
  const idle = ingressIdle[ingressClassOf(object)];
  return idle ? [{ object, at: object.field.get('kind').place, ...idle }] : [];
}

function drainingOf(object: KubernetesObject, connectionDraining: Field): readonly DrainingTime[] {
  const field = connectionDraining.get('drainingTimeoutSec');
  const ms = milliseconds(field.text);
  if (ms === undefined) return [];
  const name = 'drainingTimeoutSec';
  return [{ object, at: field.place, name, ms, write: (seconds) => `${name}: ${seconds}` }];
}

function deregistration(object: KubernetesObject, attributes: Field): readonly DrainingTime[] {
  const name = 'deregistration_delay.timeout_seconds';
  const ms = attribute(attributes, name);
  if (ms === undefined) return [];
  return [{ object, at: attributes.place, name, ms, write: (seconds) => `${name}=${seconds}` }];
}

/** A Classic Load Balancer cuts at once where draining is not on. */
function classicDraining(object: KubernetesObject, annotations: Field): readonly DrainingTime[] {
  const enabled = annotations.get(`${elb}connection-draining-enabled`);
  const timeout = annotations.get(`${elb}connection-draining-timeout`);
  const isOff = enabled.text === 'false';
  const ms = isOff ? 0 : milliseconds(timeout.text);
  if (ms === undefined) return [];
  const write = (seconds: number) =>
    `${isOff ? `${elb}connection-draining-enabled: "true" and ` : ''}${elb}connection-draining-timeout: "${seconds}"`;
  return [{ object, at: (isOff ? enabled : timeout).place, name: 'connection-draining-timeout', ms, write }];
}

function given(object: KubernetesObject, name: string, field: Field): readonly IdleTime[] {
  const ms = milliseconds(field.text);
  return ms === undefined ? [] : [{ object, at: field.place, name, ms, isCertain: true }];
}

/** Seconds, with or without their unit. */
function milliseconds(text = ''): number | undefined {
  const [, digits] = /^\s*(\d+)s?\s*$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * 1_000;
}

/** One of `name=value,name=value`, ms. */
function attribute({ text = '' }: Field, name: string): number | undefined {
  const pair = text.split(',').find((each) => each.trim().startsWith(`${name}=`));
  return milliseconds(pair?.split('=')[1]);
}
