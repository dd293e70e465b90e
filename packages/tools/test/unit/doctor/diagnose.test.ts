import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type GracefulShutdownOptions } from 'nestjs-drain';
import { diagnose, type DiagnoseOptions, examine } from '../../../src/doctor/diagnose.js';
import { rules } from '../../../src/doctor/rules/index.js';
import { seeds } from './seeds.js';
import { clean, cleanSources, lineOf, mutated } from './support/fixtures.js';

const withOptions = (options?: GracefulShutdownOptions): DiagnoseOptions => ({ shutdown: options });

describe('diagnose', () => {
  it('finds nothing in clean files, together and alone', () => {
    expect(diagnose(cleanSources)).toEqual([]);
    for (const source of cleanSources) expect(diagnose([source])).toEqual([]);
  });

  it.each(seeds.map((seed) => [[seed.rule, seed.as].filter(Boolean).join(', '), seed] as const))(
    'finds a seeded fault, and nothing else: %s',
    (_, { rule, in: where, from, to = '', options, isAlone, at, severity, fix }) => {
      const source = from === undefined ? clean[where] : mutated(clean[where], from, to);
      // Options bear upon PM2's times as well; and its programs take a process each.
      const others = isAlone
        ? []
        : [clean.manifests, clean.dockerfile, clean.package].filter(
            // The command of the pods stands in for the image's.
            (each) => each !== clean[where] && !(where === 'dockerfile' && each === clean.manifests),
          );
      const found = diagnose([...others, source], withOptions(options));
      expect(found).toEqual([
        {
          rule,
          severity,
          file: source.name,
          object: { kind: expect.any(String), name: expect.any(String), ...(found[0]?.object ?? {}) },
          line: lineOf(source, at),
          ...(found[0]?.column === undefined ? {} : { column: expect.any(Number) }),
          what: expect.stringMatching(/\.$/),
          fix: expect.stringContaining(fix),
        },
      ]);
    },
  );

  it('has a seeded fault for every rule', () => {
    expect(new Set(seeds.map(({ rule }) => rule))).toEqual(new Set(rules.map(({ id }) => id)));
  });

  it('has no two rules of one id', () => {
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
  });
});

describe('diagnose, of the samples', () => {
  const read = (name: string) => ({ name, text: readFileSync(name, 'utf8') });

  it('finds nothing in the application for Kubernetes', () => {
    const folder = 'sample/kubernetes-app';
    const manifests = readdirSync(`${folder}/k8s`).map((name) => read(`${folder}/k8s/${name}`));
    const sources = [...manifests, read(`${folder}/Dockerfile`), read(`${folder}/package.json`)];
    expect(sources.length).toBeGreaterThanOrEqual(6);
    expect(diagnose(sources)).toEqual([]);
    expect(diagnose(sources, { keepAliveMs: 75_000 })).toEqual([]);
    expect(diagnose(sources, { keepAliveMs: 5_000 }).map(({ rule }) => rule)).toEqual(['keep-alive']);
  });

  it('finds nothing in the group of processes', () => {
    const folder = 'sample/process-group';
    const files = ['package.json', 'deploy/Dockerfile', 'deploy/orders.service', 'deploy/orders.socket'];
    expect(diagnose(files.map((name) => read(`${folder}/${name}`)))).toEqual([]);
  });

  it('finds nothing in the units that the documentation shows', () => {
    const pages = ['docs/process-groups.md', 'docs/platforms.md'].map((name) => readFileSync(name, 'utf8'));
    const units = pages.flatMap((page) => [...page.matchAll(/```ini\n((?:# [^\n]*\n)?\[(?:Unit|Service)\].*?)```/gs)]);
    expect(units).toHaveLength(3);
    for (const [, text = ''] of units) expect(diagnose([{ name: 'orders.service', text }])).toEqual([]);
  });

  it('finds nothing in the live page', () => {
    const folder = 'sample/realtime-app';
    const files = ['package.json', 'Dockerfile', 'ecosystem.config.js'].map((name) => `${folder}/${name}`);
    expect(diagnose(files.filter((name) => existsSync(name)).map(read))).toEqual([]);
  });
});

describe('diagnose, beside a fault', () => {
  const rulesOf = (change: readonly [string, string], options?: DiagnoseOptions) =>
    diagnose([mutated(clean.manifests, ...change)], options).map(({ rule }) => rule);

  it('has no objection to numbers that just fit', () => {
    expect(rulesOf(['GracePeriodSeconds: 40', 'GracePeriodSeconds: 30'])).toEqual([]);
    expect(rulesOf(['failureThreshold: 2', 'failureThreshold: 4'])).toEqual([]);
    expect(rulesOf(['maxUnavailable: 0', 'maxUnavailable: 2'])).toEqual([]);
    expect(rulesOf(['maxUnavailable: 0', 'maxUnavailable: 99%'])).toEqual([]);
    expect(rulesOf(['replicas: 3', 'replicas: 0'])).toEqual([]);
    expect(rulesOf(["'75000'", "'60001'"])).toEqual([]);
    expect(rulesOf(["'75000'", "'60000'"])).toEqual(['keep-alive']);
  });

  it('has no objection to a preStop sleep in the place of a lame duck', () => {
    const sleep: [string, string] = [
      '          ports:',
      '          lifecycle: { preStop: { sleep: { seconds: 10 } } }\n          ports:',
    ];
    expect(rulesOf(sleep, withOptions({ lameDuck: false }))).toEqual([]);
  });

  it('has no objection to one replica that stays ready through its lame duck', () => {
    expect(rulesOf(['replicas: 3', 'replicas: 1'], withOptions({ readiness: 'after-lame-duck' }))).toEqual([]);
  });

  it("counts an autoscaler's least replicas, not those of the manifest", () => {
    const scaler = (least: number) =>
      `kind: HorizontalPodAutoscaler\nmetadata: { name: orders }\nspec: { scaleTargetRef: { kind: Deployment, name: orders }, minReplicas: ${least}, maxReplicas: 3 }\n---\n`;
    expect(rulesOf(['# Nothing is', `${scaler(1)}# Nothing is`])).toEqual(['single-replica']);
    expect(diagnose([mutated(clean.manifests, '# Nothing is', `${scaler(3)}# Nothing is`)])).toEqual([]);
  });

  it('has no objection to what becomes node', () => {
    const commands = [
      "['/sbin/tini', '--', 'node', 'dist/main.js']",
      "['dumb-init', 'node', '--enable-source-maps', 'dist/main.js']",
      "['docker-entrypoint.sh', 'node', 'dist/main.js']",
      "['sh', '-c', 'npm run migrate && exec node dist/main.js']",
      "['env', 'NODE_ENV=production', 'node', '-r', './node_modules/dotenv/config', 'dist/main.js']",
      "['./orders']",
    ];
    for (const each of commands) expect(rulesOf(["['node', 'dist/main.js']", each])).toEqual([]);
    const dockerfile = (to: string) => diagnose([mutated(clean.dockerfile, 'CMD ["node", "dist/main.js"]', to)]);
    expect(dockerfile('CMD exec node dist/main.js')).toEqual([]);
    expect(dockerfile('STOPSIGNAL SIGTERM\nENTRYPOINT ["node"]\nCMD ["dist/main.js"]')).toEqual([]);
    expect(dockerfile('HEALTHCHECK CMD npm run health')).toEqual([]);
  });

  it('reads ENTRYPOINT and CMD together', () => {
    const before = lineOf(clean.dockerfile, 'CMD ["node"') - 1;
    const found = (to: string) =>
      diagnose([mutated(clean.dockerfile, 'CMD ["node", "dist/main.js"]', to)]).map(({ rule, line, fix }) => [
        rule,
        line - before,
        /ENTRYPOINT|CMD/.exec(fix)?.[0],
      ]);
    expect(found('ENTRYPOINT ["npm"]\nCMD ["start"]')).toEqual([['npm-as-pid-1', 1, 'ENTRYPOINT']]);
    expect(found('ENTRYPOINT ["tini", "--"]\nCMD ["npm", "start"]')).toEqual([['npm-as-pid-1', 2, 'CMD']]);
    expect(found('ENTRYPOINT ["tini", "--"]\nCMD node dist/main.js')).toEqual([['shell-form', 2, 'CMD']]);
    expect(found('ENTRYPOINT ["sh", "-c"]\nCMD ["node dist/main.js"]')).toEqual([['shell-as-pid-1', 1, 'ENTRYPOINT']]);
    expect(found('ENTRYPOINT ["sh", "-c"]\nCMD ["exec node dist/main.js"]')).toEqual([]);
    expect(found('ENTRYPOINT exec node dist/main.js\nCMD npm start')).toEqual([]);
    expect(found('ENTRYPOINT ["./start.sh"]\nCMD ["node", "dist/main.js"]')).toEqual([
      ['entrypoint-script', 1, undefined],
    ]);
  });

  it('knows how each kind is replaced', () => {
    const of = (kind: string, spec: string) => {
      const pod =
        '{ spec: { containers: [{ name: a, command: [node, a.js], readinessProbe: { httpGet: { path: /ready }, periodSeconds: 1 } }] } }';
      const text = `kind: ${kind}\nspec:\n  ${spec}\n  template: ${pod}\n`;
      return diagnose([{ name: 'a.yaml', text }]).map(({ rule, line }) => [rule, line]);
    };
    expect(of('Deployment', 'replicas: 2')).toEqual([]);
    expect(of('DaemonSet', 'updateStrategy: { rollingUpdate: { maxUnavailable: 100% } }')).toEqual([
      ['max-unavailable', 3],
    ]);
    expect(of('DaemonSet', 'updateStrategy: { rollingUpdate: { maxUnavailable: 10% } }')).toEqual([]);
    expect(of('StatefulSet', 'serviceName: a')).toEqual([['single-replica', 2]]);
    expect(of('Rollout', 'strategy: { canary: { maxUnavailable: 50% } }\n  replicas: 2')).toEqual([]);
    expect(of('Rollout', 'strategy: { canary: { maxUnavailable: 2 } }\n  replicas: 2')).toEqual([
      ['max-unavailable', 3],
    ]);
    expect(of('Deployment', 'strategy: { rollingUpdate: { maxUnavailable: 1 } }')).toEqual([['max-unavailable', 3]]);
  });

  it('follows a last stage to the stage it is built on', () => {
    const text = 'FROM node:24 AS base\nCMD npm start\nFROM base\nCOPY . .\n';
    expect(diagnose([{ name: 'Dockerfile', text }])).toMatchObject([
      { rule: 'npm-as-pid-1', line: 2 },
      { rule: 'shell-form', line: 2 },
    ]);
  });

  it('looks into the script that a container runs', () => {
    const dockerfile = mutated(clean.dockerfile, 'CMD ["node", "dist/main.js"]', 'CMD ["npm", "start"]');
    const found = diagnose([dockerfile, clean.package]);
    expect(found.map(({ rule, severity }) => [rule, severity])).toEqual([
      ['npm-as-pid-1', 'fault'],
      ['start-script', 'fault'],
    ]);
    expect(found[1]).toMatchObject({ file: 'clean/package.json', line: 6 });
  });

  it('says nothing of requests to a worker without a port and without a Service', () => {
    const text =
      'kind: Deployment\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n        - name: worker\n';
    expect(diagnose([{ name: 'worker.yaml', text }])).toEqual([]);
  });

  it('asks nothing of what runs to an end', () => {
    const job =
      'kind: Job\nspec: { template: { spec: { restartPolicy: Never, containers: [{ name: migrate, command: [node, migrate.js] }] } } }\n';
    expect(diagnose([{ name: 'job.yaml', text: job }])).toEqual([]);
    const cron = `kind: CronJob\nspec: { jobTemplate: { spec: { template: { spec: { containers: [{ command: [npm, start] }] } } } } }\n`;
    expect(examine([{ name: 'cron.yaml', text: cron }])).toMatchObject({ findings: [], notChecked: [] });
  });

  it('looks at the container that is named, and at workloads that have it alone', () => {
    const text = mutated(
      clean.manifests,
      '        - name: orders',
      '        - name: agent\n          command: [npm, start]\n        - name: orders',
    ).text;
    const source = { name: 'manifests.yaml', text };
    const named = (container?: string) =>
      diagnose([source], { container }).map(({ rule, object }) => [rule, object.container]);
    expect(named()).toEqual([['npm-as-pid-1', 'agent']]);
    expect(named('agent')).toContainEqual(['npm-as-pid-1', 'agent']);
    expect(named('orders')).toEqual([]);
    expect(() => diagnose([source], { container: 'nobody' })).toThrow(
      "--container: Expected the name of a container in the files, got 'nobody'.",
    );
  });

  it('leaves databases out, and says so', () => {
    const database =
      'kind: StatefulSet\nmetadata: { name: db }\nspec: { template: { spec: { containers: [{ image: "postgres:17" }] } } }\n---\n';
    const { findings, notes } = examine([mutated(clean.manifests, '# Nothing is', `${database}# Nothing is`)]);
    expect(findings).toEqual([]);
    expect(notes).toEqual([expect.stringMatching(/^StatefulSet db was left out/)]);
  });

  it('says when there is no workload', () => {
    expect(examine([{ name: 'service.yaml', text: 'kind: Service\nmetadata: { name: a }\n' }])).toMatchObject({
      findings: [],
      notChecked: [{ file: 'service.yaml', what: 'no workload of an application is among the files' }],
    });
  });

  it('reads aliases, merge keys and JSON', () => {
    const probe = '{ httpGet: { path: /ready, port: 1 }, periodSeconds: 9 }';
    const text = `kind: Pod\nx: &probe ${probe}\nspec:\n  containers:\n    - name: a\n      readinessProbe:\n        <<: *probe\n        failureThreshold: 1\n`;
    expect(diagnose([{ name: 'pod.yaml', text }]).map(({ rule, line }) => [rule, line])).toEqual([
      ['single-replica', 1],
      ['readiness-too-slow', 2],
    ]);
    const json =
      '{\n\t"kind": "Pod",\n\t"spec": { "terminationGracePeriodSeconds": 1,\n\t"containers": [{ "image": "x", "ports": [{ "containerPort": 1 }] }] }\n}';
    expect(diagnose([{ name: '(stdin)', text: json }]).map(({ rule, line }) => [rule, line])).toEqual([
      ['single-replica', 2],
      ['grace-budget', 3],
      ['no-readiness-probe', 4],
    ]);
  });
});
