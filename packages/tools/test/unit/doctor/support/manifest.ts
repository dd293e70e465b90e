/** A workload that nothing is wrong with, but for what is changed. Each part is YAML in one line. */
export interface Parts {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly name?: string;
  readonly replicas?: string;
  /** Further fields of the spec. */
  readonly spec?: string;
  /** Further fields of the pod. */
  readonly pod?: string;
  readonly ports?: string;
  readonly readiness?: string;
  /** Further fields of the container. */
  readonly container?: string;
  /** Further containers. */
  readonly beside?: string;
  /** Of the template. */
  readonly annotations?: string;
}

const ready = '{ httpGet: { path: /ready, port: 3000 }, periodSeconds: 1, failureThreshold: 2 }';

export function workload(parts: Parts = {}): string {
  const { kind = 'Deployment', apiVersion = 'apps/v1', name = 'shop', replicas = '3', readiness = ready } = parts;
  const { ports = '[{ containerPort: 3000 }]' } = parts;
  const lines = [
    `apiVersion: ${apiVersion}`,
    `kind: ${kind}`,
    `metadata: { name: ${name} }`,
    'spec:',
    ...(replicas ? [`  replicas: ${replicas}`] : []),
    ...(parts.spec ? [`  ${parts.spec}`] : []),
    `  selector: { matchLabels: { app: ${name} } }`,
    '  template:',
    `    metadata: { labels: { app: ${name} }, annotations: ${parts.annotations ?? '{}'} }`,
    '    spec:',
    ...(parts.pod ? [`      ${parts.pod}`] : []),
    '      containers:',
    '        - name: api',
    '          image: registry.example/shop/api:1',
    ...(ports ? [`          ports: ${ports}`] : []),
    ...(readiness ? [`          readinessProbe: ${readiness}`] : []),
    ...(parts.container ? [`          ${parts.container}`] : []),
    ...(parts.beside ? [`        - ${parts.beside}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Something else, in one line. */
export function object(kind: string, spec: string, metadata = 'name: shop', apiVersion = 'v1'): string {
  return `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { ${metadata} }\nspec: ${spec}\n`;
}

export const service = (more = '', metadata = 'name: shop'): string =>
  object(
    'Service',
    `{ selector: { app: shop }, ports: [{ port: 80, targetPort: 3000 }]${more && `, ${more}`} }`,
    metadata,
  );

export const ingress = (className: string, annotations = '{}'): string =>
  object(
    'Ingress',
    `{ ingressClassName: ${className}, defaultBackend: { service: { name: shop, port: { number: 80 } } } }`,
    `name: shop, annotations: ${annotations}`,
    'networking.k8s.io/v1',
  );

export const scaler = (target: string, least: string, most = '9'): string =>
  object(
    'HorizontalPodAutoscaler',
    `{ scaleTargetRef: { kind: ${target}, name: shop }, minReplicas: ${least}, maxReplicas: ${most} }`,
    'name: shop',
    'autoscaling/v2',
  );

export const budget = (spec: string): string => object('PodDisruptionBudget', `{ ${spec} }`, 'name: shop', 'policy/v1');
