import { describe, expect, it } from '@jest/globals';
import { examine } from '../../../src/doctor/diagnose.js';
import { rows } from './sibling-rows.js';
import { ingress, object, service, workload } from './support/manifest.js';

/** What is said: `fault` or `doubt`, and the rule. */
const saidOf = (text: string) =>
  examine([{ name: 'a.yaml', text }]).findings.map(({ severity, rule }) => `${severity} ${rule}`);

describe('diagnose, of what a manifest may be like', () => {
  it.each(rows)('%s', (_, text, ...said) => {
    expect(saidOf(text)).toEqual(said);
  });
});

describe('examine, of what it does not understand', () => {
  const notCheckedOf = (text: string, name = 'a.yaml') =>
    examine([
      { name, text },
      { name: 'sound.yaml', text: workload() },
    ]).notChecked.map(({ what, line }) => `${line}: ${what}`);

  it.each<[string, string, ...string[]]>([
    [
      'nothing of what starts nothing',
      service() + ingress('nginx') + object('Certificate', '{}', 'name: a', 'cert-manager.io/v1'),
    ],
    [
      'a kind that is not known',
      object('Shop', '{}', 'name: shop', 'example.com/v1'),
      '3: Shop shop, a kind that is not known here',
    ],
    [
      'a release of Helm',
      object('HelmRelease', '{}', 'name: a', 'helm.toolkit.fluxcd.io/v2'),
      '3: HelmRelease a, a kind that is not known here',
    ],
    [
      'a patch',
      'kind: Deployment\nmetadata: { name: a }\nspec: { replicas: 3 }\n',
      '1: Deployment a: it has no containers, as patches have none: render it first',
    ],
    [
      'a patch of a container',
      'kind: Deployment\nmetadata: { name: a }\nspec:\n  template:\n    spec:\n      containers: [{ name: b, ports: [{ containerPort: 1 }] }]\n',
      '1: Deployment a: its containers have no image, as in patches: render it first',
    ],
    ['nothing of a selected Deployment whose image is filled in', workload().replace(/ +image:.*\n/, '')],
    [
      'a Rollout of a Deployment',
      object('Rollout', '{ workloadRef: { kind: Deployment, name: b } }', 'name: a', 'argoproj.io/v1alpha1'),
      '3: Rollout a: its pods are those of b, which rules look at alone',
    ],
    [
      'a template',
      'kind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n',
      '3: Templates have to be rendered first: helm template CHART | nestjs-drain doctor -',
    ],
    [
      'one document of two',
      `${workload()}---\nkind: Pod\nspec: [\n`,
      `18: Expected YAML: Flow sequence in block collection must be sufficiently indented and end with a ]. Correct it`,
    ],
    [
      'templates in quotes',
      workload({ replicas: '"{{ .Values.replicas }}"' }),
      '5: values of templates, which have to be rendered first',
    ],
    [
      'a file of something else',
      'a: 1\n',
      "1: Expected a file of a format that nestjs-drain doctor --help lists, got no object with a 'kind'. Check which file it is",
    ],
    [
      'an empty file',
      '',
      '1: Expected a file of a known format, got an empty one. See whether what writes it has failed',
    ],
  ])('%s', (_, text, ...notChecked) => {
    expect(notCheckedOf(text)).toEqual(notChecked);
  });

  it('gives no clean bill to a configuration of PM2 that cannot be told', () => {
    const text = "module.exports = { apps: require('./missing').apps };";
    expect(notCheckedOf(text, 'ecosystem.config.js')).toEqual(['1: the applications of PM2, which cannot be told']);
  });

  it('advises no HTTP probe of a port of gRPC', () => {
    const fixOf = (ports: string) =>
      examine([{ name: 'a.yaml', text: workload({ ports, readiness: '{ grpc: { port: 3000 } }' }) }]).findings[0]?.fix;
    expect(fixOf('[{ containerPort: 3000 }]')).toContain('httpGet');
    expect(fixOf('[{ name: grpc, containerPort: 3000 }]')).toBe('See that it asks ReadinessHealthIndicator.isReady().');
  });

  it('goes on where one of the files is broken', () => {
    const { findings, notChecked } = examine([
      { name: 'broken.yaml', text: 'kind: [' },
      { name: 'faulty.yaml', text: workload({ readiness: '' }) },
    ]);
    expect(findings.map(({ rule }) => rule)).toEqual(['no-readiness-probe']);
    expect(notChecked).toHaveLength(1);
  });
});
