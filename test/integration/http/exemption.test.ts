import { afterEach, describe, expect, it } from '@jest/globals';
import { All, Controller, Get, Param, Post, VersioningType } from '@nestjs/common';
import { type IncomingMessage, type Server } from 'node:http';
import { AllowDuringShutdown } from '../../../src/index.js';
import { closeAll, connect, holdDraining, platforms } from '../../support/applications.js';
import { request } from '../../support/raw-client.js';
import { type Orders, startOrders } from './orders.js';

const raw = (method: string, path: string, ...headers: string[]) =>
  [`${method} ${path} HTTP/1.1`, 'Host: test', ...headers].join('\r\n').concat('\r\n\r\n');
const create = raw('POST', '/orders', 'Content-Type: application/json', 'Content-Length: 2').concat('{}');

/** Ways to make a request for one route look like one for another. */
const tricks = [
  '//health/live',
  '/health//live',
  '/health/../orders',
  '/health/live/../../orders',
  '/health/%2e%2e/orders',
  '/health/live/%2e%2e/%2e%2e/orders',
  '/health/live/..%2f..%2forders',
  '/health/live/',
  '/HEALTH/LIVE',
  '/health%2flive',
  '/health/live;/orders',
  '/health/live?/../../orders',
  '/orders?/health/live',
  '/orders/?/health/live',
  '/orders%3f/health/live',
  '/orders#/health/live',
  '/./orders',
  'http://test/orders',
  'http://health/live',
  '*',
];

/** Exempt routes whose patterns match much. */
@Controller()
@AllowDuringShutdown()
class WideController {
  @Get('metrics/:name')
  named(@Param('name') name: string): object {
    return { name };
  }

  @Get('probe/*')
  any(): object {
    return { status: 'up' };
  }
}

describe.each(platforms)('The exemption of health routes on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  /** Sends bytes of its own, and returns what came back until the server closed. */
  async function exchange(orders: Orders, bytes: string): Promise<string> {
    const { client } = await connect(orders);
    client.write(bytes);
    await client.ended;
    return client.text;
  }

  it('serves them for as long as the listener is open', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    for (const method of ['GET', 'HEAD']) {
      const answer = await request(`${orders.url}/health/live?verbose=1`, { method });
      expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
    }
    expect(await closing.end()).toMatchObject({ refused: 0, afterUnready: { count: 0 } });
  });

  it('does not let through what is pipelined behind a probe', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const { client } = await connect(orders);
    client.write(raw('GET', '/health/live') + create + raw('GET', '/orders') + raw('GET', '/health/live'));
    const answers = await client.answers(4);
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 503, 200]);
    expect(answers.map(({ headers }) => headers.connection === 'close')).toEqual([false, false, false, true]);
    expect(orders.executed).toEqual([]);
    expect(await closing.end()).toMatchObject({ refused: 2 });
  });

  it.each(tricks)('is not lent to another route by the path %s', async (path) => {
    const orders = await startOrders(platform, { controllers: [WideController] });
    const closing = await holdDraining(orders);
    for (const method of ['GET', 'POST']) {
      const text = await exchange(orders, raw(method, path, 'Content-Length: 0'));
      expect(text).toMatch(/^HTTP\/1\.1 (503 |200 [^]*\r\n\r\n\{"status":"up"\}$)/);
    }
    expect(orders.executed).toEqual([]);
    await closing.end();
  });

  it.each(['/metrics/../orders', '/metrics/%2e%2e%2forders', '/probe/../orders', '/probe/%2e%2e/orders'])(
    'is not lent to another route by the path %s, which a wide pattern matches',
    async (path) => {
      const orders = await startOrders(platform, { controllers: [WideController] });
      const closing = await holdDraining(orders);
      await exchange(orders, raw('GET', path));
      expect(orders.executed).toEqual([]);
      await closing.end();
    },
  );

  it('is not lent to a method that the route does not have', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect(await request(`${orders.url}/health/live`, { method })).toMatchObject({ status: 503 });
    }
    await closing.end();
  });

  it('is not lent to a request that is rewritten once it was let through', async () => {
    const orders = await startOrders(platform, {
      prepare: (app) => {
        // What method-override and rewriting middleware do, as early as it can be done.
        (app.getHttpServer() as Server).prependListener('request', (message: IncomingMessage) => {
          const { 'x-method': method, 'x-url': url } = message.headers;
          if (method) message.method = String(method);
          if (url) message.url = String(url);
        });
      },
    });
    const rewritten = [
      raw('GET', '/health/live', 'X-Url: /orders'),
      raw('GET', '/health/live', 'X-Method: POST', 'X-Url: /orders'),
      raw('GET', '/health/live', 'X-Url: /guarded/open'),
      raw('GET', '/health/live', 'X-Url: /nowhere'),
    ];
    orders.gate('open').release();
    const { client } = await connect(orders);
    for (const [at, each] of rewritten.entries()) {
      client.write(each);
      await client.answers(at + 1);
    }
    const before = [...orders.executed];
    expect(before).toEqual(['GET /orders', 'POST /orders', 'guard open', 'GET /guarded/open']);

    const closing = await holdDraining(orders);
    for (const each of rewritten) expect(await exchange(orders, each)).toMatch(/^HTTP\/1\.1 503 /);
    expect(orders.executed).toEqual(before);
    expect(await closing.end()).toMatchObject({ refused: rewritten.length, outcome: 'drained' });
  });

  it('is told by the version that matches', async () => {
    const executed: string[] = [];
    @Controller({ path: 'status', version: '1' })
    class StatusController {
      @Get()
      @AllowDuringShutdown()
      status(): object {
        return { version: 1 };
      }
    }
    @Controller({ path: 'status', version: '2' })
    class OtherController {
      @Get()
      status(): object {
        executed.push('version 2');
        return { version: 2 };
      }
    }
    for (const controllers of [
      [StatusController, OtherController],
      [OtherController, StatusController],
    ]) {
      executed.length = 0;
      const orders = await startOrders(platform, {
        controllers,
        prepare: (app) => void app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
      });
      const status = (version: string) => request(`${orders.url}/status`, { headers: { 'x-version': version } });
      expect(await status('1')).toMatchObject({ status: 200, body: { version: 1 } });
      expect(await status('2')).toMatchObject({ status: 200, body: { version: 2 } });
      const closing = await holdDraining(orders);
      expect(await status('1')).toMatchObject({ status: 200, body: { version: 1 } });
      expect(await status('2')).toMatchObject({ status: 503 });
      expect(await status('3')).toMatchObject({ status: 503 });
      expect(executed).toEqual(['version 2']);
      await closing.end();
    }
  });

  it('holds for a whole controller and for every method of an All() route', async () => {
    @Controller('internal')
    @AllowDuringShutdown()
    class InternalController {
      @All('all')
      all(): object {
        return { all: true };
      }
      @Post('flush')
      flush(): object {
        return { flushed: true };
      }
    }
    const orders = await startOrders(platform, { controllers: [InternalController] });
    const closing = await holdDraining(orders);
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      expect((await request(`${orders.url}/internal/all`, { method })).body).toEqual({ all: true });
    }
    const flush = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect(await request(`${orders.url}/internal/flush`, flush)).toMatchObject({ status: 201 });
    expect(await closing.end()).toMatchObject({ refused: 0 });
  });

  it('reaches routes below a global prefix', async () => {
    const orders = await startOrders(platform, { prepare: (app) => void app.setGlobalPrefix('api') });
    expect(await request(`${orders.url}/api/health/ready`)).toMatchObject({ status: 200 });
    const closing = await holdDraining(orders);
    expect(await request(`${orders.url}/api/health/live`)).toMatchObject({ status: 200 });
    expect(await request(`${orders.url}/api/health/ready`)).toMatchObject({ body: { ready: { status: 'down' } } });
    expect(await request(`${orders.url}/api/orders`)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(await request(`${orders.url}/health/live`)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(orders.executed).toEqual([]);
    await closing.end();
  });

  it.each(['no longer than the drain', 'though a client holds it'])('ends with the listener, %s', async (how) => {
    const orders = await startOrders(platform);
    const answer = request(`${orders.url}/orders/a`);
    await orders.gate('a').entered;
    const closing = await holdDraining(orders);
    expect(await request(`${orders.url}/health/live`)).toMatchObject({ status: 200 });
    if (how.startsWith('though')) await connect(orders);
    orders.gate('a').release();
    expect(await answer).toMatchObject({ status: 200 });
    await closing.end();
    await expect(request(`${orders.url}/health/live`)).rejects.toThrow('ECONNREFUSED');
  });
});
