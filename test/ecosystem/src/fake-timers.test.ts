/**
 * `@nestjs/schedule` and `@nestjs/event-emitter` do the same with the module as without it: under fake timers, as
 * their own suites and those of applications use them, beside providers without a prototype, in every kind of
 * application, from the start to the end of the close.
 */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DynamicModule,
  type INestApplicationContext,
  type Provider,
  Injectable,
  Logger,
  Module,
  Scope,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cron, CronExpression, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import FakeTimers, { type Clock, type FakeMethod } from '@sinonjs/fake-timers';
import { GracefulShutdownModule } from 'nestjs-drain';
import * as namespace from './held.js';
import { knownIn } from './known.js';

/** As Vitest has it; Jest and Sinon fake `nextTick` and microtasks besides, under which Nest itself does not start. */
const toFake: FakeMethod[] = [
  ...(['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'] as const),
  ...(['Date', 'performance', 'hrtime'] as const),
];

Logger.overrideLogger(false);
const options = { logger: false } as const;
/** With the order in which tests do it: compiled before the timers are faked, initialised after. */
const kinds: Record<string, (module: DynamicModule) => Promise<INestApplicationContext>> = {
  'an Express application': (module) => NestFactory.create(module, new ExpressAdapter(), options),
  'a Fastify application': (module) => NestFactory.create(module, new FastifyAdapter(), options),
  'a testing module': (module) => Test.createTestingModule({ imports: [module] }).compile(),
};

const oddProviders: Provider[] = [
  { provide: 'null prototype', useValue: Object.assign(Object.create(null), { a: 1 }) as object },
  { provide: 'namespace', useValue: namespace },
  { provide: 'no constructor', useFactory: () => ({ constructor: undefined }) },
];

type Trace = string[];
type Scenario = (app: INestApplicationContext, clock: Clock, trace: Trace) => Promise<void>;

interface Case {
  readonly name: string;
  readonly module: (trace: Trace, odd: Provider[]) => DynamicModule;
  readonly play: Scenario;
}

const schedule: Case = {
  name: '@nestjs/schedule',
  module(trace, odd) {
    @Injectable()
    class Jobs {
      @Cron(CronExpression.EVERY_SECOND, { name: 'every second' })
      everySecond(): void {
        trace.push(`cron at ${Date.now()}`);
      }

      @Interval('often', 700)
      async often(): Promise<void> {
        trace.push(`interval at ${Date.now()}`);
      }

      @Timeout(1_500)
      once(): void {
        trace.push(`timeout at ${Date.now()}`);
      }

      @Cron(CronExpression.EVERY_SECOND)
      failing(): never {
        throw new Error('failing job');
      }
    }
    @Module({})
    class Jobs_ {}
    return { module: Jobs_, imports: [ScheduleModule.forRoot()], providers: [Jobs, ...odd] };
  },
  async play(app, clock, trace) {
    const registry = app.get(SchedulerRegistry);
    trace.push(`jobs ${[...registry.getCronJobs().keys()].length}, intervals ${registry.getIntervals().join()}`);
    await clock.tickAsync(3_000);
    registry.getCronJob('every second').stop();
    registry.addInterval(
      'by hand',
      setInterval(() => trace.push(`by hand at ${Date.now()}`), 400),
    );
    await clock.tickAsync(1_000);
    registry.deleteInterval('by hand');
    await clock.tickAsync(1_000);
  },
};

const events: Case = {
  name: '@nestjs/event-emitter',
  module(trace, odd) {
    @Injectable()
    class Listeners {
      @OnEvent('order.created')
      created(order: object): string {
        trace.push(`created ${JSON.stringify(order)}`);
        return 'created';
      }

      @OnEvent('order.*')
      async any(): Promise<string> {
        await new Promise((resolve) => setTimeout(resolve, 250));
        trace.push(`any at ${Date.now()}`);
        return 'any';
      }

      @OnEvent('order.created', { async: true })
      later(): void {
        trace.push('later');
      }

      @OnEvent('failing', { suppressErrors: true })
      failing(): never {
        trace.push('failing');
        throw new Error('failing listener');
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class ScopedListeners {
      @OnEvent('scoped')
      scoped(): void {
        trace.push(`scoped ${this instanceof ScopedListeners}`);
      }
    }
    @Module({})
    class Events {}
    const providers = [Listeners, ScopedListeners, ...odd];
    return { module: Events, imports: [EventEmitterModule.forRoot({ wildcard: true })], providers };
  },
  async play(app, clock, trace) {
    const emitter = app.get(EventEmitter2);
    const results = emitter.emitAsync('order.created', { id: 1 });
    await clock.tickAsync(500);
    trace.push(`results ${(await results).filter((each) => typeof each === 'string').join()}`);
    emitter.emit('failing');
    emitter.emit('scoped');
    emitter.emit('nobody listens');
    await clock.tickAsync(100);
    trace.push(`listeners ${emitter.eventNames().length}`);
  },
};

/** What does not end by then never does. */
const patienceMs = 20_000;

/** What happens from before the timers are faked until after the application has been closed. */
async function trace({ module, play }: Case, kind: string, odd: Provider[], imports: DynamicModule[]): Promise<Trace> {
  const seen: Trace = [];
  @Module({ imports: [...imports, module(seen, odd)] })
  class AppModule {}
  const app = await kinds[kind]!({ module: AppModule });
  const clock = FakeTimers.install({ now: 1_577_836_800_000, toFake });
  try {
    await within('init', app.init(), seen);
    await within('scenario', play(app, clock, seen), seen);
    await within('close', app.close(), seen);
    const before = seen.length;
    await clock.tickAsync(5_000);
    seen.push(`${seen.length - before} runs after the close, ${clock.countTimers()} timers left`);
  } finally {
    clock.uninstall();
  }
  return seen;
}

/** In real time, which `node:timers/promises` keeps. */
async function within(step: string, promise: Promise<unknown>, seen: Trace): Promise<void> {
  const given = new AbortController();
  const ended = await Promise.race([
    promise.then(() => true),
    sleep(patienceMs, false, { signal: given.signal }).catch(() => false),
  ]).finally(() => given.abort());
  seen.push(ended ? `${step} ended` : `${step} did not end`);
}

const provided: Record<string, Provider[]> = { 'ordinary providers': [], 'odd providers': oddProviders };

for (const each of [schedule, events]) {
  describe(`${each.name} with the module, under fake timers`, () => {
    for (const kind of Object.keys(kinds)) {
      for (const [beside, odd] of Object.entries(provided)) {
        for (const httpTracking of ['routes', 'interceptor'] as const) {
          const cell = `${httpTracking}: beside ${beside}`;
          const isKnown = knownIn(each.name, kind).includes(cell);
          it(`does the same in ${kind}, ${cell}${isKnown ? ' (known: it does not)' : ''}`, async () => {
            const bare = await trace(each, kind, odd, []);
            assert.ok(!bare.some((line) => line.includes('did not end')), bare.join('\n'));
            const withModule = async () => trace(each, kind, odd, [GracefulShutdownModule.forRoot({ httpTracking })]);
            const same = async () => assert.deepEqual(await withModule(), bare);
            if (!isKnown) await same();
            else await assert.rejects(same(), 'This is equal now: take it out of known.ts.');
          });
        }
      }
    }
  });
}
