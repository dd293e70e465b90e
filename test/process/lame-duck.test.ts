import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ShutdownReport } from '../../src/index.js';
import { defaults } from '../../src/options/options.js';
import { request } from '../support/raw-client.js';
import { build, Child, type ChildSetup, endAll } from './support/child.js';

beforeAll(build);
afterEach(endAll);

const { minMs, maxMs } = defaults.lameDuckWindow;
const kubernetes: ChildSetup = { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } };

function lameDuckMs({ phases }: ShutdownReport): number | undefined {
  return phases.find(({ phase }) => phase === 'lame-duck')?.ms;
}

/** Its readiness has been asked, once. */
async function startProbed(setup: ChildSetup = {}): Promise<Child> {
  const child = await Child.start('orders', setup);
  expect(await request(child.url('/health/ready'))).toMatchObject({ status: 200 });
  return child;
}

describe('The lame duck, on auto', () => {
  it('is gone through on SIGTERM, under Kubernetes or once readiness has been probed, and ends after minMs of quiet', async () => {
    const children = await Promise.all([Child.start('orders', kubernetes), startProbed()]);
    for (const child of children) {
      child.signal('SIGTERM');
      await child.entered('lame-duck');
      // It serves; the probe sees readiness fail, as the lame duck waits for one to.
      expect(await request(child.url('/orders'))).toMatchObject({ status: 200, headers: { connection: 'close' } });
      expect(await request(child.url('/health/ready'))).toMatchObject({ status: 503, body: { phase: 'lame-duck' } });
    }
    for (const child of children) {
      const report = await child.report();
      expect(report.clean).toBe(true);
      expect(lameDuckMs(report)).toBeGreaterThanOrEqual(minMs - 1);
      expect(lameDuckMs(report)).toBeLessThan(maxMs);
      expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    }
  });

  it('is left out on SIGTERM where nobody watches readiness', async () => {
    const child = await Child.start('orders');
    child.signal('SIGTERM');
    expect(lameDuckMs(await child.report())).toBeLessThan(minMs);
  });

  it('is left out on SIGINT and app.close(), under Kubernetes and probed', async () => {
    const child = await startProbed(kubernetes);
    child.signal('SIGINT');
    expect(lameDuckMs(await child.report())).toBeLessThan(minMs);
    expect(await child.ended).toMatchObject({ end: 'SIGINT' });

    const closed = await startProbed(kubernetes);
    closed.say('close');
    expect(lameDuckMs(await closed.report())).toBeLessThan(minMs);
  });

  it('is left out when it is off', async () => {
    const child = await startProbed({ ...kubernetes, drain: { lameDuck: false } });
    child.signal('SIGTERM');
    expect(lameDuckMs(await child.report())).toBeLessThan(minMs);
  });
});

describe('A lame duck that is asked for', () => {
  const drain = { lameDuck: { minMs: 300, quietMs: 100, maxMs: 10_000 } };

  it.each(['SIGTERM', 'SIGINT', 'app.close()'] as const)('is gone through on %s', async (way) => {
    const child = await Child.start('orders', { drain });
    if (way === 'app.close()') child.say('close');
    else child.signal(way);
    const ms = lameDuckMs(await child.report());
    expect(ms).toBeGreaterThanOrEqual(299);
    expect(ms).toBeLessThan(10_000);
  });
});
