import { afterEach, describe, expect, it } from '@jest/globals';
import { All, Controller, Get, type INestApplication, Param, Post } from '@nestjs/common';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { closeAll, holdDraining, holdLameDuck, platforms } from '../../support/applications.js';
import { request } from '../../support/raw-client.js';
import { startOrders } from './orders.js';

/** Nobody can mark its routes: it comes out of a package. */
@Controller()
class MetricsController {
  @Get('metrics')
  metrics(): string {
    return 'requests 1';
  }

  @All('status')
  status(): string {
    return 'fine';
  }

  @Get('shards/:name/status')
  shard(@Param('name') name: string): string {
    return name;
  }

  @Get('pages/:page')
  page(@Param('page') page: string): string {
    return page;
  }

  @Post('metrics/flush')
  flush(): string {
    return 'flushed';
  }
}

const lameDuck = { minMs: 0, quietMs: 0, maxMs: 0 };
const allowDuringShutdown = ['/metrics', 'GET /status', '/shards/:name/status', '/pages/about', '/raw/*'];

/** Answers below `/raw`, without a route. */
function raw(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse, next: () => void): void {
  if ((request.originalUrl ?? request.url)?.startsWith('/raw/')) response.end('raw');
  else next();
}

describe.each(platforms)('Paths that an option allows, on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  const start = (paths: readonly string[] = allowDuringShutdown) =>
    startOrders(platform, {
      drain: { lameDuck, allowDuringShutdown: paths },
      controllers: [MetricsController],
      prepare: (app: INestApplication) => void app.use(raw),
    });

  it('are served while draining, and nothing else is', async () => {
    const orders = await start();
    const closing = await holdDraining(orders);
    const statusOf = async (path: string, method = 'GET') => (await request(orders.url + path, { method })).status;
    for (const path of ['/metrics', '/metrics?a', '/status', '/shards/a/status', '/pages/about', '/raw/a']) {
      expect({ path, status: await statusOf(path) }).toEqual({ path, status: 200 });
    }
    expect(await statusOf('/metrics', 'HEAD')).toBe(200);
    expect(await statusOf('/status', 'DELETE')).toBe(503);
    for (const path of ['/pages/contact', '/metrics/flush', '/shards/a', '/metrics/../orders', '/orders?/metrics']) {
      expect({ path, status: await statusOf(path) }).toEqual({ path, status: 503 });
    }
    expect(await statusOf('/metrics/flush', 'POST')).toBe(503);
    expect(orders.executed).toEqual([]);
    expect(await closing.end()).toMatchObject({ outcome: 'drained', refused: 7 });
  });

  it('are no traffic', async () => {
    const orders = await start();
    const closing = await holdLameDuck(orders);
    for (const path of ['/metrics', '/status', '/raw/a']) await request(orders.url + path);
    expect(await closing.end()).toMatchObject({ afterUnready: { count: 0 } });
  });

  it('are refused like any others when no option names them (control)', async () => {
    const orders = await start([]);
    const closing = await holdDraining(orders);
    expect(await request(`${orders.url}/metrics`)).toMatchObject({ status: 503 });
    expect(await closing.end()).toMatchObject({ refused: 1, afterUnready: { count: 1 } });
  });
});
