import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { createHook } from 'node:async_hooks';
import { once } from 'node:events';
import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { GracefulShutdown, GracefulShutdownModule } from '../../../src/index.js';
import {
  closeAll,
  connect,
  frameworks,
  holdDraining,
  moduleOf,
  platforms,
  refuses,
  turns,
} from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { request } from '../../support/raw-client.js';
import { Database, startOrders } from './orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;

describe.each(platforms)('app.close() on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  it.each([{ return503OnClosing: true }, { forceCloseConnections: true }])(
    'drains first with %o set, too',
    async (nest) => {
      const orders = await startOrders(platform, { nest });
      const { client } = await connect(orders);
      client.write(get('/orders/a') + get('/guarded/b'));
      await Promise.all([orders.gate('a').entered, orders.gate('b').entered]);
      const closing = await holdDraining(orders);
      expect(await request(`${orders.url}/health/live`)).toMatchObject({ status: 200 });
      expect(await request(`${orders.url}/orders`)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
      closing.release();
      orders.gate('a').release();
      orders.gate('b').release();
      const answers = await client.answers(2);
      expect(answers.map(({ status, body }) => [status, (JSON.parse(body) as { isOpen: boolean }).isOpen])).toEqual([
        [200, true],
        [200, true],
      ]);
      expect(await closing.end()).toMatchObject({ outcome: 'drained', clean: true });
    },
  );

  it('called twice, and again afterwards, is one shutdown', async () => {
    const orders = await startOrders(platform);
    let reports = 0;
    orders.shutdown.events.subscribe(({ type }) => {
      if (type === 'report') reports++;
    });
    const answer = request(`${orders.url}/orders/a`);
    await orders.gate('a').entered;
    const both = [orders.app.close(), orders.app.close()];
    await refuses(orders.shutdown);
    orders.gate('a').release();
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    await Promise.all(both);
    await orders.app.close();
    expect(reports).toBe(1);
  });

  it('joins a shutdown() that has begun', async () => {
    const orders = await startOrders(platform);
    const answer = request(`${orders.url}/orders/a`);
    await orders.gate('a').entered;
    const drained = orders.shutdown.shutdown('by hand');
    await refuses(orders.shutdown);
    const closed = orders.app.close();
    orders.gate('a').release();
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await drained).toBe('drained');
    await closed;
    expect(await orders.shutdown.closed).toMatchObject({ reason: 'by hand', clean: true });
  });

  it('comes after a shutdown() that is over, which has closed the listener and destroyed nothing', async () => {
    const orders = await startOrders(platform);
    expect(await orders.shutdown.shutdown('by hand')).toBe('drained');
    await expect(request(`${orders.url}/orders`)).rejects.toThrow('ECONNREFUSED');
    expect(orders.app.get(Database).isOpen).toBe(true);
    await orders.app.close();
    expect(orders.app.get(Database).isOpen).toBe(false);
  });

  it('is followed by no listen()', async () => {
    const orders = await startOrders(platform);
    await orders.app.close();
    await expect(orders.app.listen(0, '127.0.0.1')).rejects.toMatchObject({ code: 'DRAIN_LISTEN_AFTER_SHUTDOWN' });
    expect(orders.server.listening).toBe(false);
  });

  it('of an idle application is quick, and leaves no listener and no timer', async () => {
    const signals = ['SIGTERM', 'SIGINT', 'newListener', 'removeListener'];
    const listeners = () => [
      ...signals.map((name) => process.listenerCount(name)),
      process.stdout.listenerCount('error'),
    ];
    // Whatever the first of its kind loads, and keeps.
    await (await startOrders(platform)).app.close();
    const before = listeners();
    const timers = new TimerWatch();

    const orders = await startOrders(platform);
    orders.app.enableShutdownHooks();
    const { client } = await connect(orders);
    client.write(get('/orders'));
    await client.answers(1);
    await connect(orders);
    const startedAt = performance.now();
    await orders.app.close();
    // One that waited for what is idle would wait for its deadline, of 10 s.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    await client.ended;
    client.destroy();
    expect(await timers.left()).toEqual([]);
    expect(listeners()).toEqual(before);
    expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap');
  });
});

/**
 * Sees timers of the package begin and end. (The count of `process.getActiveResourcesInfo()` has those of the test
 * runner in it.)
 */
class TimerWatch {
  private readonly live = new Map<number, { timer: NodeJS.Timeout; stack: string }>();
  private readonly hook = createHook({
    init: (id, type, _trigger, timer) => {
      const { stack = '' } = new Error();
      if (type === 'Timeout' && stack.includes('/src/')) this.live.set(id, { timer: timer as NodeJS.Timeout, stack });
    },
    destroy: (id) => this.live.delete(id),
  }).enable();

  /** Where those began that still keep the event loop alive. */
  async left(): Promise<unknown[]> {
    // Node tells of an end in a turn of its own.
    await turns(2);
    this.hook.disable();
    return [...this.live.values()].filter(({ timer }) => timer.hasRef()).map(({ stack }) => stack);
  }
}

describe.each(frameworks)('An application that never listens, on %s', (framework) => {
  const apps: INestApplication[] = [];
  afterEach(async () => {
    Gate.releaseAll();
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  const adapter = () => (framework === 'express' ? new ExpressAdapter() : (new FastifyAdapter() as never));
  const quiet = { logger: false, abortOnError: false } as const;

  async function create(...providers: (new () => object)[]) {
    const module = moduleOf({ imports: [GracefulShutdownModule.forRoot()], providers: [Database, ...providers] });
    const app = await NestFactory.create<INestApplication>(module, adapter(), quiet);
    apps.push(app);
    return app;
  }

  it('closes before it was initialised', async () => {
    const app = await create();
    await app.close();
    expect(app.get(Database).isOpen).toBe(false);
    expect(app.get(GracefulShutdown).phase).toBe('closed');
  });

  it('closes before it listens', async () => {
    const app = await (await create()).init();
    await app.close();
    expect(app.get(Database).isOpen).toBe(false);
    expect(await app.get(GracefulShutdown).closed).toMatchObject({ outcome: 'drained', clean: true });
    await expect(app.listen(0)).rejects.toMatchObject({ code: 'DRAIN_LISTEN_AFTER_SHUTDOWN' });
  });

  it('closes while it is being initialised, and does not listen when that is over', async () => {
    const gate = new Gate();
    @Injectable()
    class Slow implements OnModuleInit {
      onModuleInit(): Promise<void> {
        return gate.pass();
      }
    }
    const app = await create(Slow);
    const listening = app.listen(0).then(
      () => 'listens',
      (error: { code: string }) => error.code,
    );
    await gate.entered;
    const closed = app.close();
    gate.release();
    await closed;
    expect(app.get(GracefulShutdown).phase).toBe('closed');
    expect(await listening).toBe('DRAIN_LISTEN_AFTER_SHUTDOWN');
  });

  it('is drained in a testing module as well', async () => {
    const gate = new Gate();
    const module = await Test.createTestingModule({
      imports: [GracefulShutdownModule.forRoot()],
      providers: [Database],
    }).compile();
    const app = module.createNestApplication<INestApplication>(adapter(), quiet);
    apps.push(app);
    app.use('/held', async (_request: unknown, response: { end(text: string): void }) => {
      await gate.pass();
      response.end(JSON.stringify({ isOpen: app.get(Database).isOpen }));
    });
    await app.init();
    if (framework === 'fastify') await (app.getHttpAdapter().getInstance() as { ready(): Promise<void> }).ready();
    const server = app.getHttpServer() as Server;

    // What supertest does, for each request.
    for (let round = 0; round < 2; round++) {
      await once(server.listen(0), 'listening');
      const { port } = server.address() as AddressInfo;
      expect(await request(`http://127.0.0.1:${port}/nowhere`)).toMatchObject({ status: 404 });
      await new Promise((resolve) => server.close(resolve));
    }

    await once(server.listen(0), 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = request(`http://127.0.0.1:${port}/held`);
    await gate.entered;
    const closed = app.close();
    await refuses(app.get(GracefulShutdown));
    expect(await request(`http://127.0.0.1:${port}/nowhere`)).toMatchObject({ status: 503 });
    gate.release();
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    await closed;
  });
});
