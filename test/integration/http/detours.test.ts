import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { GracefulShutdown } from '../../../src/index.js';
import { closeAll, frameworks, holdDraining, holdLameDuck, type Framework } from '../../support/applications.js';
import { request } from '../../support/raw-client.js';
import { type Orders, startOrders } from './orders.js';

/** Ends by itself at once: a hook of the test holds it. */
const lameDuck = { minMs: 0, quietMs: 0, maxMs: 0 };
const outside = new Set<Server>();

/** Strips `/behind`, as middlewares of Express do, and the `rewriteUrl` of Fastify. */
function strip(request: IncomingMessage): void {
  const url = request.url ?? '';
  if (url.startsWith('/behind/')) request.url = url.slice('/behind'.length);
  if (url === '/alive') request.url = '/health/live';
}

type Started = Orders & { readonly base: string };

async function behindMiddleware(framework: Framework): Promise<Started> {
  const prepare = (app: INestApplication) => {
    if (framework === 'fastify') return void (app.getHttpServer() as Server).prependListener('request', strip);
    app.use((request: IncomingMessage, _response: unknown, next: () => void) => {
      strip(request);
      next();
    });
  };
  const orders = await startOrders({ framework, protocol: 'http' }, { drain: { lameDuck }, prepare });
  return { ...orders, base: `${orders.url}/behind` };
}

async function mounted(): Promise<Started> {
  const orders = await startOrders({ framework: 'express', protocol: 'http' }, { drain: { lameDuck } });
  const outer = new ExpressAdapter();
  outer.use('/behind', orders.app.getHttpAdapter().getInstance());
  const server = createServer(outer.getInstance<RequestListener>());
  outside.add(server);
  orders.app.get(GracefulShutdown).attachServer(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { ...orders, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/behind` };
}

afterEach(async () => {
  await closeAll();
  for (const server of outside) server.closeAllConnections();
  outside.clear();
});

describe.each([
  ...frameworks.map(
    (framework) => [`a prefix that a middleware strips, on ${framework}`, () => behindMiddleware(framework)] as const,
  ),
  ['a mounted sub-application', mounted] as const,
])('A health route behind %s', (_, start) => {
  it('is served while draining once it has been reached that way, and other routes are not', async () => {
    const orders = await start();
    expect(await request(`${orders.base}/health/live`)).toMatchObject({ status: 200 });
    const closing = await holdDraining(orders);
    expect(await request(`${orders.base}/health/live?verbose=1`)).toMatchObject({ status: 200 });
    expect(await request(`${orders.base}/orders`)).toMatchObject({ status: 503 });
    expect(await request(`${orders.base}/health/dead`)).toMatchObject({ status: 503 });
    expect(orders.executed).toEqual([]);
    expect(await closing.end()).toMatchObject({ refused: 2, afterUnready: { count: 2 } });
  });

  it('is no traffic, though its first probe comes when readiness has failed', async () => {
    const orders = await start();
    const closing = await holdLameDuck(orders);
    for (let probe = 0; probe < 3; probe++) {
      expect(await request(`${orders.base}/health/live`)).toMatchObject({ status: 200 });
    }
    expect(await closing.end()).toMatchObject({ refused: 0, afterUnready: { count: 0 } });
  });

  it('is told apart from traffic behind the same prefix (control)', async () => {
    const orders = await start();
    const closing = await holdLameDuck(orders);
    await request(`${orders.base}/health/live`);
    await request(`${orders.base}/orders`);
    expect(await closing.end()).toMatchObject({ afterUnready: { count: 1 } });
  });
});

describe.each(frameworks)('A health route at a URL that a middleware rewrites, on %s', (framework) => {
  it('is served while draining once it has been reached that way', async () => {
    const orders = await behindMiddleware(framework);
    expect(await request(`${orders.url}/alive`)).toMatchObject({ status: 200 });
    const closing = await holdDraining(orders);
    expect(await request(`${orders.url}/alive`)).toMatchObject({ status: 200 });
    expect(await closing.end()).toMatchObject({ refused: 0 });
  });
});
