import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Balancer, Replica } from '../../src/drill/index.js';
import { firstGeneration, putInRotation, rollGeneration, type Rolled } from '../../src/drill/roll.js';
import { type DrillResult } from '../../src/drill/result.js';
import { HaProxy } from '../../../../test/balancer/support/haproxy.js';
import { isInstalled } from '../../../../test/balancer/support/installed.js';
import { build } from '../../../../test/process/support/child.js';
import { apps, endCommands, runDrill } from '../drill/support/run-drill.js';

const readinessPath = '/health/ready';
const traffic = ['--rate=100', '--warm-up=1s', '--cool-down=1s'];

beforeAll(build);
afterEach(endCommands);

(isInstalled('haproxy') ? describe : describe.skip)('A drill that is attached to what others roll', () => {
  it.each([
    ['loses nothing', ['nest.mjs', 'with'], 'passed'],
    ['loses requests', ['express.mjs'], 'failed'],
  ] as const)(
    'comes to the verdict of a drill of its own: %s',
    async (_what, [app, ...args], conclusion) => {
      const own = await runDrill([
        ...traffic,
        '--lag=300ms',
        '--no-deregister',
        '--',
        'node',
        `${apps}/${app}`,
        ...args,
      ]);
      const attached = await rolledByOthers([`${apps}/${app}`, ...args]);
      const said = (result: DrillResult) => (result.conclusion === conclusion ? conclusion : result.verdict);
      expect([said(own.result), said(attached)]).toEqual([conclusion, conclusion]);
      expect(attached.totals.failed > 0).toBe(own.result.totals.failed > 0);
      expect(attached.totals.answeredByReplicas).toBeUndefined();
      expect(attached.totals.requests).toBeGreaterThan(300);
      // Two drills, one after the other.
    },
    180_000,
  );
});

/** Three replicas behind HAProxy, which somebody rolls when he is asked to. */
async function rolledByOthers(args: readonly string[]): Promise<DrillResult> {
  const balancer = await HaProxy.start({ mode: 'http', readinessPath, checkPeriodMs: 100, lagMs: 200 });
  const running = new Set<Replica>();
  const rolled = rolledBehind(balancer, args, running);
  const generation = await firstGeneration(3, rolled);
  const operator = createServer((_req, res) => void rollGeneration(generation, rolled).then(() => res.end()));
  try {
    const during = `node -e 'fetch("http://127.0.0.1:${await portOf(operator)}/roll")'`;
    return (await runDrill([...traffic, `--attach=${balancer.url}`, `--during=${during}`])).result;
  } finally {
    operator.close();
    await Promise.all([...running].map((replica) => replica.stop('SIGKILL')));
    await balancer.close();
  }
}

function rolledBehind(balancer: Balancer, args: readonly string[], running: Set<Replica>): Rolled<Replica> {
  let started = 0;
  return {
    takeIn: async () => {
      const replica = await Replica.start({ name: `replica-${++started}`, args, readinessPath });
      running.add(replica);
      await putInRotation(balancer, replica, 10_000);
      return replica;
    },
    takeOut: async (replica) => {
      await replica.stop('SIGTERM');
      running.delete(replica);
      await balancer.remove(replica);
    },
  };
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
