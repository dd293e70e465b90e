import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, UseInterceptors } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { type NestFastifyApplication, FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { WebSocketGateway } from '@nestjs/websockets';
import { GracefulShutdown, GracefulShutdownModule, InFlightInterceptor } from '../../../src/index.js';
import { DRAIN_CORE } from '../../../src/in-flight/tokens.js';
import { closeAll, frameworks, start } from '../../support/applications.js';
import { request } from '../../support/raw-client.js';

afterEach(closeAll);

@Controller()
class OrdersController {
  constructor(@Inject(GracefulShutdown) readonly shutdown: GracefulShutdown) {}

  @Get('orders')
  @UseInterceptors(InFlightInterceptor)
  list() {
    return { inFlight: this.shutdown.inFlight };
  }
}

@WebSocketGateway()
class EventsGateway {
  handleConnection() {}
}

describe.each(frameworks)('A builder of tests that is compiled twice, on %s', (framework) => {
  const createApplication = async (builder: ReturnType<typeof Test.createTestingModule>) => {
    const module = await builder.compile();
    const app =
      framework === 'express'
        ? module.createNestApplication()
        : module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    await app.listen(0, '127.0.0.1');
    return app;
  };

  it.each([
    ['forRoot', GracefulShutdownModule.forRoot(1_000)],
    ['forRootAsync', GracefulShutdownModule.forRootAsync({ useFactory: () => 1_000 })],
  ])('makes an application each time, which serves, drains and closes (%s)', async (_name, drain) => {
    const builder = Test.createTestingModule({
      imports: [drain],
      controllers: [OrdersController],
      providers: [EventsGateway],
    });
    const phases: string[] = [];
    for (let time = 0; time < 3; time++) {
      const app = await createApplication(builder);
      const shutdown = app.get(GracefulShutdown);
      expect(shutdown.phase).toBe('running');
      const { port } = app.getHttpServer().address() as { port: number };
      expect(await request(`http://127.0.0.1:${port}/orders`)).toMatchObject({ status: 200, body: { inFlight: 1 } });
      const lease = shutdown.lease('held by the test');
      const closed = app.close();
      await new Promise((resolve) => setImmediate(resolve));
      phases.push(shutdown.phase);
      lease.release();
      await closed;
      expect(await shutdown.closed).toMatchObject({ outcome: 'drained', clean: true });
    }
    expect(phases.every((phase) => phase !== 'running' && phase !== 'closed')).toBe(true);
  });
});

describe('GracefulShutdownModule', () => {
  it('exports three classes, and nothing internal', async () => {
    const { app } = await start({ framework: 'express', protocol: 'http' }, {});
    const records = [...app.get(ModulesContainer).values()];
    const { exports } = records.find(({ metatype }) => metatype === GracefulShutdownModule)!;
    expect(Array.from(exports, (token) => (token as { name: string }).name).sort()).toEqual([
      'GracefulShutdown',
      'InFlightInterceptor',
      'ReadinessHealthIndicator',
    ]);

    @Injectable()
    class Meddler {
      constructor(@Inject(DRAIN_CORE) readonly core: unknown) {}
    }
    @Module({ imports: [GracefulShutdownModule.forRoot()], providers: [Meddler] })
    class AppModule {}
    await expect(NestFactory.create(AppModule, { logger: false, abortOnError: false })).rejects.toThrow(/dependencies/);
  });

  it('counts in a handler whose interceptor another module makes', async () => {
    const { url } = await start({ framework: 'express', protocol: 'http' }, { controllers: [OrdersController] });
    expect(await request(`${url}/orders`)).toMatchObject({ status: 200, body: { inFlight: 1 } });
  });

  it('starts in preview mode, where nothing is instantiated', async () => {
    @Module({ imports: [GracefulShutdownModule.forRoot()] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false, preview: true, abortOnError: false });
    await app.init();
    await app.close();
  });

  it('closes while timers are fake', async () => {
    const { app, shutdown } = await start(
      { framework: 'express', protocol: 'http' },
      { controllers: [OrdersController] },
    );
    jest.useFakeTimers();
    try {
      await app.close();
    } finally {
      jest.useRealTimers();
    }
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });
});
