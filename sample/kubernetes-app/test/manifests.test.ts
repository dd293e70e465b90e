import { describe, expect, it } from '@jest/globals';
import { readManifest, readManifests } from './support/files.js';
import { problemsOf, type Manifest } from './support/kubernetes-schema.js';

describe('The manifests', () => {
  it.each(readManifests())('$file is what the Kubernetes API expects', async ({ manifest }) => {
    expect(await problemsOf(manifest)).toEqual([]);
  });

  it('are a Deployment, an Ingress, a PodDisruptionBudget and a Service', () => {
    expect(
      readManifests()
        .map(({ manifest }) => manifest.kind)
        .sort(),
    ).toEqual(['Deployment', 'Ingress', 'PodDisruptionBudget', 'Service']);
  });
});

describe('The check of the manifests', () => {
  const broken = (
    change: (pod: { [field: string]: unknown; containers: Record<string, unknown>[] }) => void,
  ): Manifest => {
    const deployment = readManifest<Manifest & { spec: { template: { spec: never } } }>('Deployment');
    change(deployment.spec.template.spec);
    return deployment;
  };

  it('rejects a misspelt field', async () => {
    const manifest = broken((pod) => {
      delete pod.terminationGracePeriodSeconds;
      pod.terminationGracePeriodSecond = 30;
    });
    expect((await problemsOf(manifest)).join()).toMatch(/terminationGracePeriodSecond\b.* does not exist/);
  });

  it('rejects a misspelt field deep inside', async () => {
    const manifest = broken((pod) => {
      pod.containers[0]!.readinessProbe = { httpGet: { path: '/', port: 3000 }, failureTreshold: 2 };
    });
    expect((await problemsOf(manifest)).join()).toMatch(/failureTreshold\b.* does not exist/);
  });

  it('rejects a value of the wrong type', async () => {
    const manifest = broken((pod) => (pod.terminationGracePeriodSeconds = '30s'));
    expect((await problemsOf(manifest)).join()).toMatch(/terminationGracePeriodSeconds must be integer/);
  });

  it('rejects a missing field', async () => {
    const manifest = broken((pod) => delete pod.containers[0]!.name);
    expect((await problemsOf(manifest)).join()).toMatch(/must have required property '?name/);
  });

  it('rejects a kind that does not exist', async () => {
    const manifest = { ...readManifest('Deployment'), kind: 'Deploiment' };
    expect((await problemsOf(manifest)).join()).toMatch(/has no kind Deploiment/);
  });
});
