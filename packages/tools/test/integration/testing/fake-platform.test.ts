import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication } from '@nestjs/common';
import { type Server } from 'node:http';
import { GracefulShutdown } from 'nestjs-drain';
import { type FakePlatform, fakePlatform } from '../../../src/testing/index.js';
import { frameworks } from '../../../../../test/support/applications.js';
import { StrictClients } from '../../../src/drill/index.js';
import { request } from '../../../../../test/support/raw-client.js';
import { createOrders } from './orders.js';

let app: INestApplication | undefined;
let other: INestApplication | undefined;
let platform: FakePlatform | undefined;
afterEach(async () => {
  await platform?.close();
  await app?.close();
  await other?.close();
  other = undefined;
});

/** Counts the requests for orders that reach `app`. */
function ordersAt(app: INestApplication): { count: number } {
  const seen = { count: 0 };
  (app.getHttpServer() as Server).on('request', ({ url }) => url === '/orders' && seen.count++);
  return seen;
}

describe.each(frameworks)('A fake platform before %s', (framework) => {
  it('routes to the application, and leaves it late when its readiness fails', async () => {
    app = await createOrders(framework, { lameDuck: { minMs: 600, quietMs: 0, maxMs: 1_000 } });
    platform = await fakePlatform({ noticesAfterMs: 20, leavesAfterMs: 200 });
    expect(platform.isRoutingTo(app)).toBe(false);
    await platform.routeTo(app);
    expect(await request(`${platform.url}/orders`)).toMatchObject({ status: 200 });
    // On a busy machine, too, the application serves until it has been left.
    const isLeft = () => platform!.left(app!);
    app.get(GracefulShutdown).onShutdown('lame-duck', isLeft, { timeoutMs: 10_000 });
    const closed = app.close();
    const unreadyAt = performance.now();
    expect(await request(`${platform.url}/orders`)).toMatchObject({ status: 200 });
    await platform.left(app);
    expect(performance.now() - unreadyAt).toBeGreaterThanOrEqual(199);
    expect(platform.isRoutingTo(app)).toBe(false);
    await platform.left(app);
    await expect(request(`${platform.url}/orders`)).rejects.toThrow();
    await closed;
  });

  it('is what a rehearsal measures: its lag is in the report, and traffic comes back afterwards', async () => {
    app = await createOrders(framework, { allowRehearsal: true });
    platform = await fakePlatform({ noticesAfterMs: 20, leavesAfterMs: 300 });
    await platform.routeTo(app);
    const beforeAt = performance.now();
    const rehearsed = app.get(GracefulShutdown).rehearse({ forMs: 6_000 });
    const begunAt = performance.now();
    const left = platform.left(app);
    let isRouted = true;
    void left.then(() => (isRouted = false));
    const last = { sentMs: 0, answeredMs: 0 };
    while (isRouted) {
      const sentMs = performance.now() - begunAt;
      const answer = await request(`${platform.url}/orders`).catch(() => undefined);
      if (answer) Object.assign(last, { sentMs, answeredMs: performance.now() - beforeAt });
    }
    const report = await rehearsed;
    expect(report).toMatchObject({ endedBy: 'time', probes: { seen: expect.any(Number) }, advice: [] });
    // In whole ms. The last that the platform sent here: of 300 ms, on a machine that is not busy.
    expect(report.lastNewConnectionMs).toBeGreaterThanOrEqual(Math.floor(last.sentMs));
    expect(report.lastNewConnectionMs).toBeLessThanOrEqual(Math.ceil(last.answeredMs));
    expect(report.suggestedMinMs).toBeGreaterThanOrEqual(1_500);
    await platform.routeTo(app);
    expect(await request(`${platform.url}/orders`)).toMatchObject({ status: 200 });
  });
});

describe.each(frameworks)('A rehearsal of one of two replicas on %s', (framework) => {
  it('takes it out of traffic, and back, and no client loses a request', async () => {
    app = await createOrders(framework, { allowRehearsal: true });
    other = await createOrders(framework);
    platform = await fakePlatform({ noticesAfterMs: 20, leavesAfterMs: 300 });
    await platform.routeTo(app);
    await platform.routeTo(other);
    const mix = [{ name: 'GET /orders', method: 'GET', path: '/orders', expect: { body: '{"order":"an order"}' } }];
    const clients = new StrictClients({ url: platform.url, clients: 8, mix, thinkMs: 2 });
    const traffic = clients.run();
    const orders = ordersAt(app);
    // Of a replica that has only begun to be asked nobody can tell how often that happens.
    while (orders.count < 50) await request(`${platform.url}/orders`);
    const rehearsed = app.get(GracefulShutdown).rehearse({ forMs: 4_000 });
    await platform.left(app);
    const served = { here: orders.count, inAll: clients.counts().answered };
    expect(served.here).toBeGreaterThan(0);
    const report = await rehearsed;
    // Requests that were on their way when the platform left.
    expect(orders.count - served.here).toBeLessThanOrEqual(8);
    expect(clients.counts().answered).toBeGreaterThan(served.inAll + 20);
    expect(report).toMatchObject({ endedBy: 'time', advice: [], suggestedMinMs: expect.any(Number) });
    await platform.routeTo(app);
    const back = orders.count;
    while (orders.count === back) await request(`${platform.url}/orders`);
    await clients.stop();
    expect(await traffic).toMatchObject({ failed: 0, failures: [] });
  });
});

describe('fakePlatform()', () => {
  it('refuses a duration that no timer holds', async () => {
    await expect(fakePlatform({ leavesAfterMs: Infinity })).rejects.toThrow(RangeError);
  });
});
