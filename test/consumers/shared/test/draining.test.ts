import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication } from '@nestjs/common';
import { GracefulShutdown, type GracefulShutdownOptions, InFlightInterceptor } from 'nestjs-drain';
import { firstValueFrom } from 'rxjs';
import { AppModule } from '../src/app.module.js';
import { Database } from '../src/database.js';
import { Work } from '../src/work.js';
import { factories, type Factory, type Framework, frameworks, get, listen } from './applications.js';

const platforms = frameworks.flatMap((framework) =>
  (Object.keys(factories) as Factory[]).flatMap((factory) =>
    (['routes', 'interceptor'] as const).map((httpTracking) => ({ framework, factory, httpTracking })),
  ),
);

let app: INestApplication | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(factory: Factory, framework: Framework, options: GracefulShutdownOptions) {
  app = await factories[factory](AppModule.with(options), framework);
  const url = await listen(app);
  return { app, url, shutdown: app.get(GracefulShutdown), database: app.get(Database), work: app.get(Work) };
}

describe.each(platforms)('$framework by $factory, tracked by $httpTracking', ({ framework, factory, httpTracking }) => {
  it('answers the request in flight before its database closes, and refuses the late one', async () => {
    const { app, url, shutdown, database, work } = await start(factory, framework, { httpTracking });
    const release = work.hold();
    const inFlight = get(`${url}/orders`);
    await work.entered;
    const closed = app.close();
    await new Promise((resolve) => shutdown.drainingSignal.addEventListener('abort', resolve));

    const late = await get(`${url}/orders`);
    expect(late).toMatchObject({ status: 503, headers: { 'retry-after': '1', connection: 'close' } });
    expect(late.body).toMatchObject({ statusCode: 503 });
    release();
    expect(await inFlight).toMatchObject({ status: 200, body: { order: 'an order' } });
    await closed;
    expect(database.lost).toBe(0);
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', clean: true, refused: 1 });
  });

  it('does so when app.close() is called twice at once', async () => {
    const { app, url, shutdown, database, work } = await start(factory, framework, { httpTracking });
    const release = work.hold();
    const inFlight = get(`${url}/orders`);
    await work.entered;
    const closed = Promise.all([app.close(), app.close()]);
    await new Promise((resolve) => shutdown.drainingSignal.addEventListener('abort', resolve));
    release();
    expect(await inFlight).toMatchObject({ status: 200, body: { order: 'an order' } });
    await closed;
    expect(database.lost).toBe(0);
  });

  it('fails readiness, and serves, in the lame duck', async () => {
    const lameDuck = { minMs: 0, quietMs: 0, maxMs: 0 };
    const { app, url, shutdown } = await start(factory, framework, { httpTracking, lameDuck });
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    shutdown.onShutdown('lame-duck', () => released, { timeoutMs: 20_000 });
    expect(await get(`${url}/health/ready`)).toMatchObject({
      status: 200,
      body: { status: 'ok', info: { ready: { status: 'up' } } },
    });
    const leaving = firstValueFrom(shutdown.events);
    const closed = app.close();
    expect(await leaving).toMatchObject({ type: 'phase', phase: 'lame-duck' });
    expect(await get(`${url}/health/ready`)).toMatchObject({
      status: 503,
      body: { status: 'error', error: { ready: { status: 'down' } } },
    });
    expect(await get(`${url}/health/live`)).toMatchObject({ status: 200 });
    expect(await get(`${url}/orders`)).toMatchObject({ status: 200 });
    release();
    await closed;
  });

  it('refuses to listen again', async () => {
    const { app } = await start(factory, framework, { httpTracking });
    await app.close();
    await expect(app.listen(0)).rejects.toMatchObject({ code: 'DRAIN_LISTEN_AFTER_SHUTDOWN' });
  });

  it('closes at once when it is idle', async () => {
    const { app, shutdown } = await start(factory, framework, { httpTracking });
    await app.close();
    expect((await shutdown.closed).totalMs).toBeLessThan(1_000);
    expect(shutdown.phase).toBe('closed');
  });
});

describe('The interceptor', () => {
  it('is there by name', () => {
    expect(InFlightInterceptor.name).toBe('InFlightInterceptor');
  });
});
