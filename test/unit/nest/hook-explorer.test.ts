import 'reflect-metadata';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { type ModulesContainer } from '@nestjs/core';
import { HookRegistry } from '../../../src/hooks/hook-registry.js';
import { OnShutdown } from '../../../src/hooks/on-shutdown.decorator.js';
import { AllowDuringShutdown } from '../../../src/in-flight/allow-during-shutdown.decorator.js';
import { InFlightTracker } from '../../../src/in-flight/in-flight-tracker.js';
import { TrackInFlight } from '../../../src/in-flight/track-in-flight.decorator.js';
import { TrackedRuns } from '../../../src/in-flight/tracked-runs.js';
import { HookExplorer } from '../../../src/nest/hook-explorer.js';
import { FakeClock } from '../../support/fake-clock.js';

let hooks: HookRegistry;
let tracker: InFlightTracker;
let trackedRuns: TrackedRuns;
let found: string[];

beforeEach(() => {
  const clock = new FakeClock();
  hooks = new HookRegistry(clock, 5_000);
  tracker = new InFlightTracker(clock);
  trackedRuns = new TrackedRuns(tracker, {
    isRefusing: false,
    isClosed: false,
    isAwaitingParts: false,
    runSkipped: () => undefined,
  });
  found = [];
});

interface Contents {
  readonly providers?: readonly unknown[];
  readonly controllers?: readonly unknown[];
  readonly injectables?: readonly unknown[];
  /** Reports whether each lives as long as the application. @default true */
  readonly isStatic?: boolean;
}

/** Modules whose wrappers hold these instances. */
function modulesOf({ providers = [], controllers = [], injectables = [], isStatic = true }: Contents) {
  const wrap = (instances: readonly unknown[]) =>
    new Map(instances.map((instance, index) => [index, { instance, isDependencyTreeStatic: () => isStatic }]));
  const module = { providers: wrap(providers), controllers: wrap(controllers), injectables: wrap(injectables) };
  return new Map([['module', module]]) as unknown as ModulesContainer;
}

function explorerOf(contents: Contents): HookExplorer {
  return new HookExplorer(modulesOf(contents), { hooks, trackedRuns });
}

async function runHooks(phase: 'draining' | 'releasing' = 'releasing'): Promise<string[]> {
  const interrupted = new AbortController().signal;
  await hooks.run(phase, { reason: 'a test', latestEndAt: Infinity, interrupted, settled: () => undefined });
  return found;
}

class Cache {
  constructor(private readonly name = 'cache') {}
  @OnShutdown('releasing')
  flush() {
    found.push(`${this.name} flushed`);
  }
}

const fail = () => {
  throw new Error('a trap has been sprung');
};
const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, fail]));

describe('HookExplorer', () => {
  it('adds the methods of providers, controllers and injectables as hooks, on their instance', async () => {
    explorerOf({
      providers: [new Cache('provider')],
      controllers: [new Cache('controller')],
      injectables: [new Cache('guard')],
    }).explore();
    expect((await runHooks()).sort()).toEqual(['controller flushed', 'guard flushed', 'provider flushed']);
  });

  it('adds each once, however often it looks, and finds what has come since', async () => {
    const providers = [new Cache('first')];
    const modules = modulesOf({ providers });
    const explorer = new HookExplorer(modules, { hooks, trackedRuns });
    explorer.explore();
    const late = { instance: new Cache('late'), isDependencyTreeStatic: () => true };
    (modules.get('module')!.providers as unknown as Map<unknown, unknown>).set('late', late);
    explorer.explore();
    explorer.explore();
    expect((await runHooks()).sort()).toEqual(['first flushed', 'late flushed']);
  });

  it('finds inherited methods', async () => {
    class RedisCache extends Cache {}
    explorerOf({ providers: [new RedisCache('redis')] }).explore();
    expect(await runHooks()).toEqual(['redis flushed']);
  });

  it('ties methods with @TrackInFlight() to the tracker of the application', async () => {
    class Jobs {
      @TrackInFlight()
      run() {
        return tracker.size;
      }
    }
    const jobs = new Jobs();
    explorerOf({ providers: [jobs] }).explore();
    expect(jobs.run()).toBe(1);
    expect(tracker.size).toBe(0);
  });

  it.each<[string, unknown]>([
    ['nothing yet', undefined],
    ['null', null],
    ['a string', 'text'],
    ['a function', fail],
    ['a plain object', { flush: fail }],
    ['an object without a prototype', Object.create(null)],
    ['an object whose constructor is undefined', Object.create({ constructor: undefined })],
    ['an object whose constructor is a getter', Object.create(Object.defineProperty({}, 'constructor', { get: fail }))],
    ['an object whose getters throw', Object.create(Object.defineProperty({}, 'client', { get: fail }))],
    ['a proxy whose every trap throws', new Proxy({}, traps)],
    ['an object whose prototype is such a proxy', new Proxy({}, { getPrototypeOf: () => new Proxy({}, traps) })],
  ])('passes over %s', async (_name, value) => {
    explorerOf({ providers: [value, new Cache()], controllers: [value], injectables: [value] }).explore();
    expect(await runHooks()).toEqual(['cache flushed']);
  });

  it('refuses a hook on a provider that does not live as long as the application', () => {
    expect(() => explorerOf({ providers: [new Cache()], isStatic: false }).explore()).toThrow(
      expect.objectContaining({
        code: 'DRAIN_MISPLACED_DECORATOR',
        message: expect.stringContaining('got it on Cache.flush'),
      }),
    );
  });

  it('refuses @AllowDuringShutdown() on what is no route', () => {
    class Service {
      @AllowDuringShutdown()
      check() {}
    }
    @AllowDuringShutdown()
    class Marked {}
    @Controller()
    class HealthController {
      @Get()
      @AllowDuringShutdown()
      live() {}
      @AllowDuringShutdown()
      helper() {}
    }
    const refuses = (contents: Contents, where: string) =>
      expect(() => explorerOf(contents).explore()).toThrow(
        expect.objectContaining({ code: 'DRAIN_MISPLACED_DECORATOR', message: expect.stringContaining(where) }),
      );
    refuses({ providers: [new Service()] }, 'Service.check');
    refuses({ providers: [new Marked()] }, 'Marked');
    refuses({ controllers: [new HealthController()] }, 'HealthController.helper');
  });
});
