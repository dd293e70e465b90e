import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { folder } from './support/fixtures.js';
import { doctorJson } from './support/run-doctor.js';

/** A finding: how grave it is, its rule, what it is about, and its line. */
type Expected = readonly [severity: 'fault' | 'doubt', rule: string, about: string, line: number];

interface Case {
  readonly args?: readonly string[];
  /** Piped in. */
  readonly stdin?: string;
  readonly code: number;
  readonly findings?: readonly Expected[];
  /** What the fixes say, in the order of the findings. */
  readonly fixes?: readonly string[];
  readonly notes?: readonly string[];
  readonly notChecked?: readonly string[];
}

const readinessSlow = (name: string, line: number): Expected => [
  'doubt',
  'readiness-too-slow',
  `Deployment ${name}/api`,
  line,
];

/** What is said of each folder of fixtures/cases. Without args all files of it are given. */
const cases: Readonly<Record<string, Case>> = {
  'job-npx-migrate': { args: ['job.yaml'], code: 0 },
  'readiness-default': { code: 0, findings: [readinessSlow('shop', 14)] },
  'readiness-slow-fix-chain': {
    code: 0,
    findings: [readinessSlow('shop', 14)],
    fixes: ['Set periodSeconds: 1, failureThreshold: 2 and timeoutSeconds: 1, where there are such.'],
  },
  'prestop-sleep-fits': { code: 0, findings: [['doubt', 'pre-stop-sleep', 'Deployment shop/api', 17]] },
  'exporter-beside-db': { code: 0, notes: ['StatefulSet db was left out'] },
  'worker-no-port': { code: 0 },
  'placeholder-replicas': { code: 0, notes: ['d.yaml:5: replicas of Deployment shop is ${REPLICAS}'] },
  'placeholder-probe': { code: 0, notes: ['the period of a probe of Deployment shop is ${READY_PERIOD}'] },
  'sts-maxunavailable': {
    args: ['s.yaml'],
    code: 1,
    findings: [['fault', 'max-unavailable', 'StatefulSet shop', 7]],
    fixes: ['Set replicas: 2 (a StatefulSet has no maxSurge).'],
  },
  'no-probe-port-8080': {
    code: 1,
    findings: [['fault', 'no-readiness-probe', 'Deployment shop/api', 11]],
    fixes: ['port: http }'],
  },
  'yaml-dedented-quote': { code: 0 },
  'in-one-template': {
    args: ['k8s'],
    code: 1,
    findings: [
      ['fault', 'no-readiness-probe', 'Deployment x/api', 4],
      ['fault', 'npm-as-pid-1', 'Deployment x/api', 4],
    ],
    notChecked: ['Templates have to be rendered first'],
  },
  'two-workloads-stdin': {
    args: ['-'],
    stdin: 'd.yaml',
    code: 0,
    findings: [readinessSlow('shop', 14), readinessSlow('cart', 30)],
  },
  knative: {
    args: ['s.yaml'],
    code: 1,
    findings: [
      ['doubt', 'grace-budget', 'Knative Service shop', 6],
      ['fault', 'npm-as-pid-1', 'Knative Service shop', 11],
    ],
    fixes: ['lameDuck: false, drainTimeoutMs: 7000, hookTimeoutMs: 2000', ''],
  },
  deploymentconfig: {
    code: 1,
    findings: [
      ['fault', 'no-readiness-probe', 'DeploymentConfig shop/api', 11],
      ['fault', 'npm-as-pid-1', 'DeploymentConfig shop/api', 14],
    ],
  },
  'two-apps-one-pod': { code: 1, findings: [['fault', 'npm-as-pid-1', 'Deployment shop/worker', 18]] },
  'sidecar-sqlproxy': { code: 0, findings: [['doubt', 'sidecar-quits', 'Deployment shop/cloud-sql-proxy', 16]] },
  'surge-zero-pct': {
    code: 1,
    findings: [['fault', 'max-unavailable', 'Deployment shop', 6]],
    fixes: ['Set maxUnavailable: 0 and maxSurge: 1.'],
  },
  'alb-keepalive': { code: 0, findings: [['doubt', 'keep-alive', 'Ingress shop', 24]] },
  'nlb-dereg': { code: 0, findings: [['doubt', 'balancer-draining', 'Service shop', 23]] },
  'pdb-matchexpr': { code: 0, findings: [['doubt', 'pdb-blocks', 'PodDisruptionBudget shop', 20]] },
  'in-folder-json': {
    args: [],
    code: 1,
    findings: [
      ['doubt', 'single-replica', 'Deployment x', 1],
      ['fault', 'no-readiness-probe', 'Deployment x/api', 1],
      ['fault', 'npm-as-pid-1', 'Deployment x/api', 1],
    ],
  },
  'two-replicas-hpa-replicas': { code: 0, findings: [['doubt', 'scaled-replicas', 'Deployment shop', 5]] },
  'probe-port-mismatch': { code: 0, findings: [['doubt', 'probe-port', 'Deployment shop/api', 14]] },
  // Whatever is piped in is somebody else's: the usual files are looked at.
  'gitlab-stdin': { args: [], code: 0, findings: [['doubt', 'start-script', 'package.json package.json', 1]] },
};

describe('nestjs-drain doctor, of whole folders', () => {
  it.each(Object.entries(cases))('says what there is to say of %s', async (name, expected) => {
    const { args = ['d.yaml'], stdin, code, findings = [], fixes = [], notes = [], notChecked = [] } = expected;
    const cwd = resolve(folder, 'cases', name);
    const piped = stdin === undefined ? undefined : readFileSync(resolve(cwd, stdin), 'utf8');
    const said = await doctorJson(args, { cwd, stdin: piped });
    const found = said.findings.map(({ severity, rule, object, line }) => {
      const container = object.container === undefined ? '' : `/${object.container}`;
      return [severity, rule, `${object.kind} ${object.name}${container}`, line];
    });
    expect([...found].sort()).toEqual([...findings].sort());
    expect(said.code).toBe(code);
    for (const [at, fix] of fixes.entries()) expect(said.findings[at]!.fix).toContain(fix);
    expect(said.notes).toEqual(notes.map((note) => expect.stringContaining(note)));
    expect(said.notChecked.map(({ what }) => what)).toEqual(notChecked.map((what) => expect.stringContaining(what)));
  });
});
