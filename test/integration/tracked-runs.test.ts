import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  Controller,
  Get,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  type OnModuleInit,
  Scope,
  UseInterceptors,
} from '@nestjs/common';
import { LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { from, race } from 'rxjs';
import { OnShutdown, TrackInFlight } from '../../src/index.js';
import { closeAll, holds, moduleOf, start } from '../support/applications.js';
import { Gate } from '../support/gate.js';
import { request } from '../support/raw-client.js';

const platform = { framework: 'express', protocol: 'http' } as const;

afterEach(closeAll);

/** A provider with a method that a gate holds. */
function work(scope: Scope = Scope.DEFAULT) {
  const gate = new Gate();
  @Injectable({ scope })
  class Reports {
    @TrackInFlight()
    async write(): Promise<void> {
      await gate.pass();
    }
  }
  return { gate, Reports };
}

describe('@TrackInFlight()', () => {
  it('is found in a provider of request scope', async () => {
    const { gate, Reports } = work(Scope.REQUEST);
    @Controller()
    class ReportsController {
      constructor(private readonly reports: InstanceType<typeof Reports>) {}
      @Get()
      begin(): string {
        void this.reports.write();
        return 'begun';
      }
    }
    Reflect.defineMetadata('design:paramtypes', [Reports], ReportsController);
    const { app, url, shutdown } = await start(platform, { controllers: [ReportsController], providers: [Reports] });
    await request(url);
    await gate.entered;
    await waitsFor(() => app.close(), shutdown, gate);
  });

  it('on a handler is waited for though an interceptor has given the handler up', async () => {
    const gate = new Gate();
    class GivesUp implements NestInterceptor {
      intercept(_context: unknown, next: CallHandler) {
        return race(next.handle(), from(gate.entered.then(() => 'given up')));
      }
    }
    @Controller()
    class SlowController {
      @Get()
      @TrackInFlight()
      @UseInterceptors(GivesUp)
      async slow(): Promise<void> {
        await gate.pass();
      }
    }
    const { app, url, shutdown } = await start(platform, { controllers: [SlowController] });
    expect(await request(url)).toMatchObject({ status: 200, text: 'given up' });
    await waitsFor(() => app.close(), shutdown, gate);
  });

  type Make = (app: INestApplication, type: ReturnType<typeof work>['Reports']) => Promise<unknown>;
  it.each<[string, Make]>([
    ['is transient', (app, type) => app.resolve(type)],
    ['is made by ModuleRef.create()', (app, type) => app.get(ModuleRef).create(type)],
    [
      'belongs to a module that is loaded lazily',
      async (app, type) => {
        const module = moduleOf({ providers: [type] });
        return (await app.get(LazyModuleLoader).load(() => module)).get<unknown>(type);
      },
    ],
  ])('is found in one that %s', async (name, make) => {
    const isTransient = name === 'is transient';
    const { gate, Reports } = work(isTransient ? Scope.TRANSIENT : Scope.DEFAULT);
    const { app, shutdown } = await start(platform, { providers: isTransient ? [Reports] : [] });
    const reports = (await make(app, Reports)) as { write(): Promise<void> };
    void reports.write();
    await gate.entered;
    await waitsFor(() => app.close(), shutdown, gate);
  });

  it('tracks a run that is begun in onModuleInit()', async () => {
    const { gate, Reports } = work();
    @Injectable()
    class Eager extends Reports implements OnModuleInit {
      onModuleInit(): void {
        void this.write();
      }
    }
    const { app, shutdown } = await start(platform, { providers: [Eager] });
    await waitsFor(() => app.close(), shutdown, gate);
  });

  it('lets a scheduler that goes on through the drain begin nothing, and counts what it does not begin', async () => {
    let begun = 0;
    const gate = new Gate();
    @Injectable()
    class Cron {
      @TrackInFlight()
      async overlapping(): Promise<void> {
        begun++;
        await gate.pass();
      }
    }
    const { app, shutdown } = await start(platform, { providers: [Cron] });
    const cron = app.get(Cron);
    const results: unknown[] = [];
    void cron.overlapping();
    const closed = app.close();
    await holds(() => shutdown.drainingSignal.aborted);
    await holds(() => shutdown.inFlight === 1);
    for (let tick = 0; tick < 3; tick++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      results.push(await cron.overlapping());
    }
    gate.release();
    await closed;
    expect({ begun, results }).toEqual({ begun: 1, results: [undefined, undefined, undefined] });
    expect(await shutdown.closed).toMatchObject({ clean: true, skipped: 3 });
  });

  it('begins what a draining hook calls', async () => {
    const calls: string[] = [];
    @Injectable()
    class Buffer {
      @OnShutdown('draining')
      async flush(): Promise<void> {
        calls.push(await this.write());
      }
      @TrackInFlight()
      async write(): Promise<string> {
        return 'written';
      }
    }
    const { app, shutdown } = await start(platform, { providers: [Buffer] });
    await app.close();
    expect(calls).toEqual(['written']);
    expect(await shutdown.closed).toMatchObject({ clean: true, skipped: 0 });
  });
});

/** The close does not go past the drain before the gate opens. */
async function waitsFor(
  close: () => Promise<void>,
  shutdown: Awaited<ReturnType<typeof start>>['shutdown'],
  gate: Gate,
): Promise<void> {
  expect(shutdown.inFlight).toBe(1);
  const closed = close();
  await holds(() => shutdown.drainingSignal.aborted);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(shutdown.phase).toBe('draining');
  gate.release();
  await closed;
  expect(await shutdown.closed).toMatchObject({ clean: true, inFlight: { finished: 1 } });
}
