import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IIngress } from 'kubernetes-models/networking.k8s.io/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IService } from 'kubernetes-models/v1';
import { AppModule } from '../src/app.module.js';
import { BALANCER_IDLE_MS, outliveTheBalancer } from '../src/keep-alive.js';
import { shutdownOptions } from '../src/shutdown.options.js';
import { start, type RunningApp } from './support/app.js';
import { read, readManifest } from './support/files.js';

/** `lameDuck: 'auto'` where it is on, as nestjs-drain documents it. */
const LAME_DUCK = { minMs: 5_000, maxMs: 10_000 };
/** Nest's own destroy hooks and the end of the process. */
const MARGIN_MS = 3_000;

const deployment = readManifest<IDeployment>('Deployment').spec!;
const pod = deployment.template.spec!;
const container = pod.containers[0]!;
const graceMs = pod.terminationGracePeriodSeconds! * 1_000;

describe('The numbers', () => {
  it('leave a margin between the last phase and SIGKILL', () => {
    const { drainTimeoutMs, hookTimeoutMs, lameDuck } = shutdownOptions;
    expect(lameDuck).toBe('auto');
    expect(LAME_DUCK.maxMs + drainTimeoutMs + hookTimeoutMs + MARGIN_MS).toBeLessThanOrEqual(graceMs);
  });

  it('tell the application the grace period that the pod has', () => {
    const preStopMs = container.lifecycle?.preStop ? NaN : 0; // a preStop hook would have to be subtracted here
    expect(shutdownOptions.gracePeriodMs).toBe(graceMs - preStopMs);
  });

  it('let the readiness probe fail for good within the shortest lame duck', () => {
    const { periodSeconds, failureThreshold, timeoutSeconds } = container.readinessProbe!;
    const unreadyAfterMs = (periodSeconds! * failureThreshold! + timeoutSeconds!) * 1_000;
    expect(unreadyAfterMs + 2_000).toBeLessThanOrEqual(LAME_DUCK.minMs);
  });

  it('never let liveness restart a pod that is finishing its work', () => {
    const { periodSeconds, failureThreshold } = container.livenessProbe!;
    expect(periodSeconds! * failureThreshold! * 1_000).toBeGreaterThanOrEqual(graceMs);
  });

  it('keep a connection longer than the balancer does', () => {
    const server = createServer();
    outliveTheBalancer(server);
    expect(BALANCER_IDLE_MS).toBeGreaterThanOrEqual(60_000);
    expect(server.keepAliveTimeout).toBeGreaterThan(BALANCER_IDLE_MS);
    expect(server.headersTimeout).toBeGreaterThan(server.keepAliveTimeout);
  });

  it('never leave fewer than three pods serving during a roll-out', () => {
    expect(deployment.replicas).toBe(3);
    expect(deployment.strategy?.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  });
});

describe('The probes', () => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await start(AppModule);
  });

  afterAll(async () => {
    await running?.app.close();
  });

  it.each(['startupProbe', 'readinessProbe', 'livenessProbe'] as const)(
    '%s asks for a path that exists',
    async (name) => {
      const { path, port } = container[name]!.httpGet!;
      expect(container.ports).toContainEqual({ name: port, containerPort: 3000 });
      expect((await fetch(`${running.url}${path}`)).status).toBe(200);
    },
  );

  it('ask for readiness and liveness on different paths', () => {
    expect(container.readinessProbe!.httpGet!.path).not.toBe(container.livenessProbe!.httpGet!.path);
  });
});

describe('The image', () => {
  const instructions = read('Dockerfile')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  it('starts node itself, in exec form, so that the SIGTERM arrives', () => {
    const command = instructions.findLast((line) => line.startsWith('CMD '))!;
    expect(JSON.parse(command.slice('CMD '.length))).toEqual(['node', 'dist/main.js']);
    expect(instructions.some((line) => line.startsWith('ENTRYPOINT'))).toBe(false);
    expect(container).not.toHaveProperty('command');
    expect(existsSync(new URL('../dist/main.js', import.meta.url))).toBe(true);
  });

  it('runs as the user that the pod asks for', () => {
    const { runAsNonRoot, runAsUser, runAsGroup } = pod.securityContext!;
    expect(runAsNonRoot).toBe(true);
    expect(instructions).toContain(`USER ${runAsUser}:${runAsGroup}`);
  });
});

describe('The manifests fit each other', () => {
  const labels = deployment.template.metadata!.labels;

  it('select the pods of the Deployment', () => {
    expect(deployment.selector.matchLabels).toEqual(labels);
    expect(readManifest<IService>('Service').spec!.selector).toEqual(labels);
    expect(readManifest<IPodDisruptionBudget>('PodDisruptionBudget').spec!.selector!.matchLabels).toEqual(labels);
  });

  it('lead from the Ingress through the Service to the port', () => {
    const service = readManifest<IService>('Service');
    const { name, port } = readManifest<IIngress>('Ingress').spec!.rules![0]!.http!.paths[0]!.backend.service!;
    expect(name).toBe(service.metadata!.name);
    expect(service.spec!.ports).toContainEqual(expect.objectContaining({ name: port!.name, targetPort: 'http' }));
    expect(container.env).toContainEqual({ name: 'PORT', value: '3000' });
  });
});
