import { budget, ingress, object, scaler, service, workload } from './support/manifest.js';

/** A manifest, and what is said of it: how grave it is, and the rule. */
export type Row = readonly [what: string, text: string, ...said: string[]];

const rolling = (numbers: string) => `strategy: { type: RollingUpdate, rollingUpdate: { ${numbers} } }`;
const stateful = (numbers: string) => `updateStrategy: { type: RollingUpdate, rollingUpdate: { ${numbers} } }`;
const sidecar = (image: string, more = '') => ({ beside: `{ name: side, image: "${image}"${more && `, ${more}`} }` });
const taken = 'fault max-unavailable';
const slow = 'doubt readiness-too-slow';
const tooLong = 'fault grace-budget';
const isLong = 'doubt grace-period-option';
const sleeps = 'doubt pre-stop-sleep';
const noProbe = 'fault no-readiness-probe';
const quits = 'doubt sidecar-quits';
const closes = 'doubt keep-alive';
const blocks = 'doubt pdb-blocks';
const scaled = 'doubt scaled-replicas';
const port = 'doubt probe-port';
const single = 'doubt single-replica';

export const rows: readonly Row[] = [
  ['nothing of a sound Deployment', workload()],

  ['a roll-out that takes the only replica', workload({ replicas: '1', spec: rolling('maxUnavailable: 1') }), taken],
  ['the same of no replicas at all', workload({ replicas: '0', spec: rolling('maxUnavailable: 1') })],
  ['one replica that is not given', workload({ replicas: '', spec: rolling('maxUnavailable: 1, maxSurge: 1') }), taken],
  ['a surge of 0 alone', workload({ replicas: '1', spec: rolling('maxSurge: 0') }), taken],
  ['a surge of 0 %', workload({ replicas: '1', spec: rolling('maxSurge: 0%, maxUnavailable: 10%') }), taken],
  ['a surge of 0, and enough of them', workload({ replicas: '2', spec: rolling('maxSurge: 0, maxUnavailable: 25%') })],
  [
    'a surge that is rounded up',
    workload({ replicas: '1', spec: rolling('maxSurge: 1%, maxUnavailable: 99%') }),
    single,
  ],
  ['half of two', workload({ replicas: '2', spec: rolling('maxUnavailable: 50%') })],
  ['more than there are', workload({ replicas: '2', spec: rolling('maxUnavailable: 5') }), taken],
  ['a number that is not known', workload({ replicas: '2', spec: rolling('maxUnavailable: "${MAX}"') })],
  [
    'an autoscaler with one',
    workload({ replicas: '', spec: rolling('maxSurge: 0') }) + scaler('Deployment', '1'),
    taken,
  ],
  ['an autoscaler with two', workload({ replicas: '', spec: rolling('maxSurge: 0') }) + scaler('Deployment', '2')],
  [
    'an autoscaler with some',
    workload({ replicas: '', spec: rolling('maxSurge: 0') }) + scaler('Deployment', '"${MIN}"'),
  ],
  ['a worker that is replaced', workload({ replicas: '1', spec: rolling('maxSurge: 0'), ports: '', readiness: '' })],
  ['a set of one', workload({ kind: 'StatefulSet', replicas: '1' }), single],
  [
    'a set of one on delete',
    workload({ kind: 'StatefulSet', replicas: '1', spec: 'updateStrategy: { type: OnDelete }' }),
    single,
  ],
  ['a set, all at once', workload({ kind: 'StatefulSet', spec: stateful('maxUnavailable: 100%') }), taken],
  ['a set, two of three', workload({ kind: 'StatefulSet', spec: stateful('maxUnavailable: 2') })],
  [
    'a DaemonSet, all at once',
    workload({ kind: 'DaemonSet', replicas: '', spec: stateful('maxUnavailable: 100%') }),
    taken,
  ],
  ['a DaemonSet, half of it', workload({ kind: 'DaemonSet', replicas: '', spec: stateful('maxUnavailable: 50%') })],
  [
    'a DeploymentConfig',
    workload({
      kind: 'DeploymentConfig',
      spec: 'strategy: { type: Rolling, rollingParams: { maxUnavailable: 100% } }',
    }),
    taken,
  ],
  [
    'a DeploymentConfig anew',
    workload({ kind: 'DeploymentConfig', spec: 'strategy: { type: Recreate }' }),
    'doubt recreate',
  ],
  ['a Rollout', workload({ kind: 'Rollout', spec: 'strategy: { canary: { maxUnavailable: 3, maxSurge: 0 } }' }), taken],
  [
    'a Rollout, blue and green',
    workload({ kind: 'Rollout', replicas: '1', spec: 'strategy: { blueGreen: {} }' }),
    single,
  ],

  ['a probe with its defaults', workload({ readiness: '{ httpGet: { path: /ready, port: 3000 } }' }), slow],
  ['a probe of every second', workload({ readiness: '{ httpGet: { path: /ready, port: 3000 }, periodSeconds: 1 }' })],
  [
    'a failureThreshold that is not known',
    workload({ readiness: '{ httpGet: { path: /ready, port: 3000 }, failureThreshold: $N }' }),
  ],
  ['a probe that connects', workload({ readiness: '{ tcpSocket: { port: 3000 } }' }), 'doubt readiness-tcp'],
  ['no probe', workload({ readiness: '' }), noProbe],
  [
    'no probe, but one of the start',
    workload({ readiness: '', container: 'startupProbe: { httpGet: { path: /, port: 3000 } }' }),
  ],
  ['no probe and a port for metrics', workload({ readiness: '', ports: '[{ name: metrics, containerPort: 9090 }]' })],
  ['no probe and no port, but a Service', workload({ readiness: '', ports: '' }) + service(), noProbe],
  [
    'two that serve, one without a probe',
    workload(sidecar('registry.example/b:1', 'ports: [{ containerPort: 4000 }]')),
    noProbe,
  ],
  ['a port that is not named', workload({ ports: '[{ containerPort: 8080 }]' }), port],
  ['a port that is not known', workload({ ports: '[{ containerPort: "${PORT}" }]' })],
  [
    "a port of another container's",
    workload({
      ports: '[{ containerPort: 8080 }]',
      ...sidecar(
        'envoyproxy/envoy:v1',
        'ports: [{ containerPort: 3000 }], lifecycle: { preStop: { exec: { command: [wait] } } }',
      ),
    }),
  ],
  ['a name of a port', workload({ readiness: '{ httpGet: { path: /ready, port: web }, periodSeconds: 1 }' }), port],

  [
    'a sleep that fits',
    workload({
      pod: 'terminationGracePeriodSeconds: 60',
      container: 'lifecycle: { preStop: { exec: { command: [sh, -c, "sleep 15"] } } }',
    }),
    sleeps,
  ],
  [
    'a sleep that does not',
    workload({ container: 'lifecycle: { preStop: { sleep: { seconds: 15 } } }' }),
    tooLong,
    sleeps,
  ],
  [
    'a sleep and more',
    workload({ container: 'lifecycle: { preStop: { exec: { command: [sh, -c, "sleep 5 && ./leave"] } } }' }),
    'doubt pre-stop-unknown',
  ],
  [
    'a sleep that is not known',
    workload({ container: 'lifecycle: { preStop: { sleep: { seconds: "${N}" } } }' }),
    'doubt pre-stop-unknown',
  ],
  ['a short grace period', workload({ pod: 'terminationGracePeriodSeconds: 10' }), tooLong],
  ['a grace period that just holds the parts', workload({ pod: 'terminationGracePeriodSeconds: 26' }), isLong],
  ['a grace period that is not known', workload({ pod: 'terminationGracePeriodSeconds: ${GRACE}' })],
  [
    'a worker, whose lame duck is short',
    workload({ pod: 'terminationGracePeriodSeconds: 21', ports: '', readiness: '' }),
    isLong,
  ],
  [
    'the grace period of a worker',
    workload({ pod: 'terminationGracePeriodSeconds: 5', ports: '', readiness: '' }),
    tooLong,
  ],

  ['pgbouncer', workload(sidecar('edoburu/pgbouncer:1.21')), quits],
  ['a store', workload(sidecar('redis:7-alpine')), quits],
  ["Envoy's", workload(sidecar('envoyproxy/envoy:v1.31')), quits],
  [
    'a proxy that waits',
    workload(sidecar('gcr.io/cloudsql-docker/gce-proxy:1.33', 'command: [/cloud_sql_proxy, -term_timeout=60s]')),
  ],
  [
    'a proxy that waits, by its environment',
    workload(
      sidecar(
        'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2',
        'env: [{ name: CSQL_PROXY_MAX_SIGTERM_DELAY, value: 60s }]',
      ),
    ),
  ],
  [
    'a proxy with a preStop hook',
    workload(sidecar('edoburu/pgbouncer:1', 'lifecycle: { preStop: { sleep: { seconds: 25 } } }')),
  ],
  [
    'a native sidecar',
    workload({ pod: 'initContainers: [{ name: pool, image: "edoburu/pgbouncer:1", restartPolicy: Always }]' }),
  ],
  [
    'an exporter and a collector of logs',
    workload(sidecar('oliver006/redis_exporter:v1')) + workload({ name: 'b', ...sidecar('fluent/fluent-bit:3') }),
  ],
  [
    'a container that migrates before',
    workload({
      pod: 'initContainers: [{ name: migrate, image: "registry.example/shop/api:1", command: [npx, prisma, migrate, deploy] }]',
    }),
  ],

  ['an ALB', workload({ spec: 'minReadySeconds: 20' }) + service() + ingress('alb'), closes],
  [
    'an ALB of a class of its own',
    workload({ spec: 'minReadySeconds: 20' }) +
      service() +
      ingress('public', '{ alb.ingress.kubernetes.io/scheme: internal }'),
    closes,
  ],
  ["Google's balancer", workload({ spec: 'minReadySeconds: 20' }) + service() + ingress('gce'), closes],
  [
    "Google's balancer and what configures it, once",
    workload({ spec: 'minReadySeconds: 20' }) +
      service() +
      ingress('gce') +
      object('BackendConfig', '{ timeoutSec: 40 }', 'name: shop', 'cloud.google.com/v1'),
    closes,
  ],
  ["Google's Gateway", workload() + object('Gateway', '{ gatewayClassName: gke-l7-gxlb }'), closes],
  [
    'an ALB before an application that keeps',
    workload({ spec: 'minReadySeconds: 20', container: 'env: [{ name: KEEP_ALIVE_TIMEOUT, value: "65000" }]' }) +
      service() +
      ingress('alb'),
  ],
  [
    'an ALB before one that may',
    workload({ spec: 'minReadySeconds: 20', container: 'env: [{ name: KEEP_ALIVE_TIMEOUT, value: "${KEEP}" }]' }) +
      service() +
      ingress('alb'),
  ],
  [
    'an ALB before one that does not',
    workload({ spec: 'minReadySeconds: 20', container: 'env: [{ name: KEEP_ALIVE_MS, value: "5000" }]' }) +
      service() +
      ingress('alb'),
    'fault keep-alive',
  ],
  ['nginx', workload() + service() + ingress('nginx')],
  [
    'an ALB before others',
    workload() + service('', 'name: others') + object('Service', '{ selector: { app: b } }') + ingress('alb'),
  ],

  [
    'a local policy',
    workload() + service('type: LoadBalancer, externalTrafficPolicy: Local'),
    'doubt traffic-policy-local',
  ],
  ['a policy of the cluster', workload() + service('type: LoadBalancer, externalTrafficPolicy: Cluster')],
  ['addresses that are not ready', workload() + service('publishNotReadyAddresses: true'), 'fault publish-not-ready'],
  ['the same without an address', workload() + service('publishNotReadyAddresses: true, clusterIP: None')],

  [
    'an expression',
    workload() + budget('minAvailable: 100%, selector: { matchExpressions: [{ key: app, operator: Exists }] }'),
    blocks,
  ],
  [
    'an expression of others',
    workload() +
      budget('minAvailable: 3, selector: { matchExpressions: [{ key: app, operator: NotIn, values: [shop] }] }'),
    'doubt no-pdb',
  ],
  ['90 % of three', workload() + budget('minAvailable: 90%, selector: { matchLabels: { app: shop } }'), blocks],
  ['an empty selector', workload() + budget('maxUnavailable: 0, selector: {}'), blocks],
  ['two of three', workload() + budget('minAvailable: 2, selector: { matchLabels: { app: shop } }')],
  ['a number that is not known', workload() + budget('minAvailable: "${N}", selector: { matchLabels: { app: shop } }')],

  ['replicas beside an autoscaler', workload() + scaler('Deployment', '2'), scaled],
  ['replicas beside one that has no more', workload() + scaler('Deployment', '3', '3')],
  ["replicas beside another's", workload() + scaler('StatefulSet', '2')],
  [
    'replicas beside KEDA',
    workload() + object('ScaledObject', '{ scaleTargetRef: { name: shop } }', 'name: shop', 'keda.sh/v1alpha1'),
    scaled,
  ],

  [
    'a Job',
    workload({
      kind: 'Job',
      replicas: '',
      pod: 'restartPolicy: Never',
      readiness: '',
      container: 'command: [npx, prisma, migrate, deploy]',
    }),
  ],
  [
    'a pod that is not restarted',
    workload({ kind: 'Pod', container: 'command: [npm, test]' })
      .replace('  template:\n', '')
      .replace(/^spec:[^]*?    metadata/, 'spec:\n  restartPolicy: Never\nx:\n    metadata'),
  ],
];
