import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { closeAll, enters, frameworks, holdDraining, holds, platforms, refuses } from '../../support/applications.js';
import { RawClient, request } from '../../support/raw-client.js';
import { Database, startOrders } from './orders.js';

const http = frameworks.map((framework) => ({ framework, protocol: 'http' }) as const);
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

describe.each(http)('Listening on localhost on $framework', (platform) => {
  /** Fastify binds both addresses, each with a server of its own; Express binds one. */
  const bound = platform.framework === 'fastify' && hasIPv6 ? ['127.0.0.1', '[::1]'] : ['localhost'];

  beforeEach(() => {
    // Machines differ in what they call localhost.
    const { lookup } = dns;
    const both = (name: string, options: object, done: (error: null, addresses: object[]) => void) =>
      name === 'localhost' && 'all' in options && options.all && bound.length > 1
        ? done(null, [
            { address: '127.0.0.1', family: 4 },
            { address: '::1', family: 6 },
          ])
        : lookup(name, options, done as never);
    jest.spyOn(dns, 'lookup').mockImplementation(both as never);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await closeAll();
  });

  it.each(bound)('drains what came in by %s', async (host) => {
    const orders = await startOrders(platform, { host: 'localhost' });
    const at = (address: string, path: string) => request(`http://${address}:${orders.port}${path}`);
    const answer = at(host, '/orders/a');
    await orders.gate('a').entered;
    const closing = await holdDraining(orders);
    for (const each of bound) {
      expect(await at(each, '/orders')).toMatchObject({ status: 503, headers: { connection: 'close' } });
    }
    orders.gate('a').release();
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true }, headers: { connection: 'close' } });
    expect(await closing.end()).toMatchObject({ outcome: 'drained', refused: bound.length });
    for (const each of bound) await expect(at(each, '/orders')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('A second server of an Express application', () => {
  afterEach(closeAll);

  it('drains with the first once it is attached', async () => {
    let second!: Server;
    const orders = await startOrders(
      { framework: 'express', protocol: 'http' },
      { prepare: (app) => void (second = createServer(app.getHttpAdapter().getInstance())) },
    );
    orders.shutdown.attachServer(second);
    await once(second.listen(0, '127.0.0.1'), 'listening');
    const { port } = second.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const idle = await RawClient.connect(port);

    const answer = request(`${url}/orders/a`);
    await orders.gate('a').entered;
    expect(orders.shutdown.inFlight).toBe(1);
    const closing = await holdDraining(orders);
    expect(await request(`${url}/orders`)).toMatchObject({ status: 503, headers: { connection: 'close' } });
    expect(await request(`${url}/health/live`)).toMatchObject({ status: 200 });
    expect(await idle.ended).toBe('fin');
    orders.gate('a').release();
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    await closing.end();
    expect(second.listening).toBe(false);
  });

  it('is not known of by stock Nest, whose providers are gone while it serves', async () => {
    let second!: Server;
    const orders = await startOrders(
      { framework: 'express', protocol: 'http' },
      { drain: false, prepare: (app) => void (second = createServer(app.getHttpAdapter().getInstance())) },
    );
    await once(second.listen(0, '127.0.0.1'), 'listening');
    await orders.app.close();
    const url = `http://127.0.0.1:${(second.address() as AddressInfo).port}`;
    expect(await request(`${url}/orders`)).toMatchObject({ status: 200, body: { isOpen: false } });
    second.close();
  });

  it('must be a server that can be drained', async () => {
    const orders = await startOrders({ framework: 'express', protocol: 'http' });
    expect(() => orders.shutdown.attachServer({})).toThrow(
      /^Expected attachServer\(\) to be given a server of node:http/,
    );
    expect(() => orders.shutdown.attachServer(orders.server)).not.toThrow();
  });
});

describe.each(platforms)('Two applications in one process on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  it('drain side by side, and each by itself', async () => {
    const [one, other] = await Promise.all([startOrders(platform), startOrders(platform)]);
    const answers = [one, other].map((each) => request(`${each.url}/orders/a`));
    await Promise.all([one, other].map((each) => each.gate('a').entered));
    const closing = await holdDraining(one);

    expect(other.shutdown.phase).toBe('running');
    expect(await request(`${one.url}/orders`)).toMatchObject({ status: 503 });
    expect(await request(`${other.url}/orders`)).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await request(`${other.url}/health/ready`)).toMatchObject({ status: 200 });

    const begun = enters(other.shutdown, 'draining');
    const otherClosed = other.app.close();
    await begun;
    await refuses(other.shutdown);
    expect(await request(`${other.url}/orders`)).toMatchObject({ status: 503 });

    other.gate('a').release();
    await otherClosed;
    expect(await answers[1]).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(one.shutdown.phase).toBe('draining');
    expect(one.app.get(Database).isOpen).toBe(true);

    one.gate('a').release();
    expect(await answers[0]).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await closing.end()).toMatchObject({ outcome: 'drained', refused: 1, inFlight: { atSignal: 2 } });
    expect(await other.shutdown.closed).toMatchObject({ outcome: 'drained', refused: 1, inFlight: { atSignal: 1 } });
    await holds(() => one.shutdown.inFlight + other.shutdown.inFlight === 0);
  });
});
