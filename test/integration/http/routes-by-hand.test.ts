import { afterEach, describe, expect, it } from '@jest/globals';
import { type HttpAdapterHost } from '@nestjs/core';
import { HttpAdapterHost as AdapterHost } from '@nestjs/core';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { closeAll, frameworks, holdDraining } from '../../support/applications.js';
import { request } from '../../support/raw-client.js';
import { startOrders } from './orders.js';

type Registrar = Record<'get' | 'post', (...args: unknown[]) => unknown>;
interface Response {
  status(code: number): this;
  send(body: unknown): unknown;
}

/** Adds routes as packages do that know nothing of Nest's routers. */
function byHand(add: (adapter: Registrar) => void) {
  @Injectable()
  class ByHand implements OnModuleInit {
    constructor(private readonly host: HttpAdapterHost) {}
    onModuleInit(): void {
      add(this.host.httpAdapter as unknown as Registrar);
    }
  }
  Reflect.defineMetadata('design:paramtypes', [AdapterHost], ByHand);
  return [ByHand];
}

describe.each([true, false])('Routes added to the adapter by hand (with the module: %s)', (isDrained) => {
  const drain = isDrained ? undefined : (false as const);
  afterEach(closeAll);

  it("keep Express's chains and handlers of errors", async () => {
    const { url } = await startOrders(
      { framework: 'express', protocol: 'http' },
      {
        drain,
        providers: byHand((adapter) => {
          const first = (_request: unknown, _response: unknown, next: (error?: Error) => void) => next();
          const failing = (_request: unknown, _response: unknown, next: (error?: Error) => void) =>
            next(new Error('a'));
          const last = (_request: unknown, response: Response) => response.send({ last: true });
          const onError = (_error: Error, _request: unknown, response: Response, _next: unknown) =>
            response.status(418).send({ caught: true });
          adapter.get('/chain', first, last);
          adapter.get('/failing', failing, onError);
          adapter.get('/list', [first, last]);
          adapter.get(['/a', '/b'], last);
          adapter.get(/^\/pattern/, last);
        }),
      },
    );
    expect(await request(`${url}/chain`)).toMatchObject({ status: 200, body: { last: true } });
    expect(await request(`${url}/failing`)).toMatchObject({ status: 418, body: { caught: true } });
    for (const path of ['/list', '/a', '/b', '/pattern-1']) {
      expect(await request(url + path)).toMatchObject({ status: 200, body: { last: true } });
    }
  });

  it("keep Fastify's this, options and lazy results", async () => {
    let runs = 0;
    const query = {
      then(resolve: (rows: unknown) => void) {
        runs++;
        resolve({ rows: 1 });
      },
    };
    const { url } = await startOrders(
      { framework: 'fastify', protocol: 'http' },
      {
        drain,
        providers: byHand((adapter) => {
          adapter.get('/this', function (this: { listeningOrigin?: string }) {
            return Promise.resolve({ hasThis: typeof this?.listeningOrigin });
          });
          adapter.get('/options', { config: { a: 1 } }, () => Promise.resolve({ options: true }));
          adapter.get('/query', () => query);
        }),
      },
    );
    expect(await request(`${url}/this`)).toMatchObject({ status: 200, body: { hasThis: 'string' } });
    expect(await request(`${url}/options`)).toMatchObject({ status: 200, body: { options: true } });
    expect(await request(`${url}/query`)).toMatchObject({ status: 200, body: { rows: 1 } });
    expect(runs).toBe(1);
  });
});

describe.each(frameworks)('A route added to the adapter by hand, on %s', (framework) => {
  afterEach(closeAll);

  it('is refused while draining, like any other', async () => {
    const orders = await startOrders(
      { framework, protocol: 'http' },
      {
        providers: byHand((adapter) =>
          adapter.get('/by-hand', (_request: unknown, response: Response) => response.send({ served: true })),
        ),
      },
    );
    expect(await request(`${orders.url}/by-hand`)).toMatchObject({ status: 200, body: { served: true } });
    const closing = await holdDraining(orders);
    expect(await request(`${orders.url}/by-hand`)).toMatchObject({ status: 503 });
    await closing.end();
  });
});
