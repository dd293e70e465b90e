import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import {
  Replica,
  rollingRestart,
  StrictClients,
  TcpBalancer,
  type Backend,
  type Balancer,
  type RollingStep,
} from '../../../src/drill/index.js';

const stubApp = join(process.cwd(), 'packages/tools/test/integration/drill/stub-app.mjs');
const readinessPath = '/health/ready';

describe('rollingRestart', () => {
  let balancer: TcpBalancer;
  let started: Replica[];
  beforeEach(async () => {
    started = [];
    balancer = await TcpBalancer.listen({ readinessPath, probePeriodMs: 50, lagMs: 300 });
  });
  afterEach(() => balancer.close());

  const replica = (manner: string) => async (number: number) => {
    const name = `replica-${number}`;
    const one = await Replica.start({ name, args: [stubApp, manner], env: { REPLICA: name }, readinessPath });
    started.push(one);
    return one;
  };

  const clients = () =>
    new StrictClients({
      url: balancer.url,
      clients: 10,
      thinkMs: 5,
      mix: [
        { name: 'quick', method: 'GET', path: '/', weight: 5, expect: { body: isAnswer } },
        { name: 'slow', method: 'GET', path: '/slow', expect: { body: isAnswer } },
      ],
    });

  const isAnswer = (body: Buffer): boolean => /^answered by replica-\d$/.test(body.toString());

  it('loses nothing when the replicas stop gracefully', async () => {
    const steps: RollingStep[] = [];
    const report = await rollingRestart({
      replicas: 2,
      startReplica: replica('gracefully'),
      balancer,
      clients: clients(),
      warmUpMs: 200,
      coolDownMs: 200,
      onStep: (step) => steps.push(step),
    });
    expect(report.failures).toEqual([]);
    expect(report).toMatchObject({ failed: 0, killed: 0 });
    expect(report.requests).toBeGreaterThan(100);
    expect(report.slowestMs).toBeGreaterThan(95);
    expect(report.shutdowns).toMatchObject([
      { exitCode: 0, killed: false },
      { exitCode: 0, killed: false },
    ]);

    const order = steps.map((step) => ('replica' in step ? `${step.kind} ${step.replica.name}` : step.kind));
    const [one, two] = report.shutdowns.map(({ replica }) => replica);
    expect(order.slice(2)).toEqual([
      'traffic-started',
      'serving replica-3',
      `signalled ${one}`,
      `exited ${one}`,
      'serving replica-4',
      `signalled ${two}`,
      `exited ${two}`,
      'traffic-stopped',
    ]);
    expect(started.every(({ hasExited }) => hasExited)).toBe(true);
  });

  it('says what was lost, when and by which replica, when they stop at once', async () => {
    const report = await rollingRestart({
      replicas: 2,
      startReplica: replica('at-once'),
      balancer,
      clients: clients(),
      warmUpMs: 200,
      coolDownMs: 500,
    });
    expect(report.failed).toBeGreaterThan(0);
    expect(report.failed).toBe(report.failures.length);
    expect(report.failuresByKind).toEqual({ reset: report.failed });
    for (const failure of report.failures) {
      const shutdown = report.shutdowns.find(({ replica }) => replica === failure.replica);
      expect(failure.atMs).toBeGreaterThanOrEqual(shutdown!.signalledAtMs);
    }
  });

  it('counts the replicas that had to be killed', async () => {
    const report = await rollingRestart({
      replicas: 1,
      startReplica: replica('never'),
      balancer,
      clients: clients(),
      graceMs: 200,
      warmUpMs: 0,
      coolDownMs: 0,
    });
    expect(report.killed).toBe(1);
    expect(report.shutdowns).toMatchObject([{ replica: 'replica-1', killed: true, signal: 'SIGKILL' }]);
  });

  it('rejects, and leaves nothing running, when a successor does not start', async () => {
    const traffic = clients();
    const rolling = rollingRestart({
      replicas: 2,
      startReplica: (number) => replica(number > 2 ? 'broken' : 'gracefully')(number),
      balancer,
      clients: traffic,
      warmUpMs: 0,
    });
    await expect(rolling).rejects.toThrow(/replica-3 did not start.*no database/s);
    expect(started).toHaveLength(2);
    expect(started.every(({ hasExited }) => hasExited)).toBe(true);
    expect(traffic.counts().underWay).toBe(0);
  });

  it('rejects when the balancer does not take a replica in', async () => {
    const deaf: Balancer = {
      url: balancer.url,
      add: async () => undefined,
      remove: async () => undefined,
      isInRotation: () => false,
      whenInRotation: () => new Promise(() => undefined),
      close: async () => undefined,
    };
    const rolling = rollingRestart({
      replicas: 1,
      startReplica: replica('gracefully'),
      balancer: deaf,
      clients: clients(),
      rotationTimeoutMs: 100,
    });
    await expect(rolling).rejects.toThrow('Rotation of replica-1 did not happen within 100 ms.');
    expect(started.every(({ hasExited }) => hasExited)).toBe(true);
  });

  it('tells a balancer that does not probe which replica is about to leave', async () => {
    const told: Backend[] = [];
    const report = await rollingRestart({
      replicas: 1,
      startReplica: replica('gracefully'),
      balancer: Object.assign(balancer, {
        terminating: (backend: Backend) => void told.push(backend),
      }),
      clients: clients(),
      warmUpMs: 0,
      coolDownMs: 0,
    });
    expect(told.map(({ name }) => name)).toEqual(report.shutdowns.map(({ replica }) => replica));
  });
});
