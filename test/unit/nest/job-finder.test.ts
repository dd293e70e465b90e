import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ModulesContainer } from '@nestjs/core';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { SchedulerRegistry } from '@nestjs/schedule';
import { DrainCore } from '../../../src/drain-core.js';
import { JobFinder } from '../../../src/nest/job-finder.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { FakeWorker } from '../drainables/jobs/bullmq/fake-worker.js';

/** What Nest keeps of its modules, as far as providers are looked for in it. */
class Modules extends Map<string, { metatype?: object; providers: Map<object, object> }> {
  private readonly providers = new Map<object, object>();

  constructor(metatype?: object) {
    super();
    this.set('app', { metatype, providers: this.providers });
  }

  provide(instance: unknown): void {
    const token = {};
    this.providers.set(token, { token, instance });
  }
}

class BullExplorer {
  constructor(private readonly worker: FakeWorker) {}
  registerWorkers() {}
  handleProcessor(processor: object) {
    Object.assign(processor, { _worker: this.worker });
    return 'handled';
  }
}

describe('The finder of what begins work by itself', () => {
  let core: DrainCore;
  let modules: Modules;
  let gate: Gate;

  beforeEach(() => {
    core = new DrainCore(resolveOptions({}), new FakeClock(), {});
    modules = new Modules();
    gate = new Gate();
  });

  afterEach(() => gate.release());

  const finderOf = (container: Modules) => new JobFinder(core, container as unknown as ModulesContainer);
  const stop = () => void core.sequence.begin({ reason: 'a test', isHostClosing: false });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const inFlight = () => core.tracker.leftovers().map(({ kind, name }) => `${kind} ${name}`);
  const worker = () => new FakeWorker(() => gate.pass());

  it('meets emitters and schedulers before the first init hook', () => {
    const emitter = new EventEmitter2();
    const registry = new SchedulerRegistry();
    modules.provide(emitter);
    modules.provide(registry);
    finderOf(modules).start();
    emitter.on('order.placed', () => void gate.pass());
    emitter.on('order.shipped', (() => gate.pass()) as () => void);
    emitter.emit('order.placed');
    emitter.emit('order.shipped');
    expect(inFlight()).toEqual(['event order.shipped']);
  });

  it('counts the first job of a worker, which is fetched in the turn in which it is made', () => {
    const made = worker();
    const explorer = new BullExplorer(made);
    modules.provide(explorer);
    finderOf(modules).start();
    expect(explorer.handleProcessor({})).toBe('handled');
    void made.take('1');
    expect(inFlight()).toEqual(['job orders:ship']);
  });

  it('meets everything once, however often it looks', () => {
    const emitter = new EventEmitter2();
    modules.provide(emitter);
    const finder = finderOf(modules);
    finder.start();
    finder.look();
    finder.look();
    emitter.on('order.placed', (() => gate.pass()) as () => void);
    emitter.emit('order.placed');
    expect(inFlight()).toEqual(['event order.placed']);
  });

  it('meets as draining begins what was made after bootstrap', async () => {
    finderOf(modules).start();
    const late = worker();
    modules.provide(late);
    stop();
    await turn();
    expect(late.steps).toContain('pause');
  });

  it('meets the workers that only their queue knows of as draining begins, and none is closed by it', async () => {
    class QueueWorker extends FakeWorker {}
    const hidden = new QueueWorker(() => gate.pass());
    const container = new Modules({ _workerClass: QueueWorker });
    container.provide({
      name: 'orders',
      opts: { processors: ['send.js'] },
      addBulk: () => undefined,
      getJobCounts: () => undefined,
      close: async () => undefined,
      onApplicationShutdown: () => hidden.close(),
    });
    const finder = finderOf(container);
    finder.start();
    expect(finder.warnings()).toEqual([]);
    void hidden.take('1');
    stop();
    await turn();
    expect(hidden.steps).toEqual(['pause']);
  });

  it('warns of workers that cannot be seen', () => {
    modules.provide({
      name: 'orders',
      opts: { processors: ['send.js'] },
      addBulk: () => undefined,
      getJobCounts: () => undefined,
      onApplicationShutdown: () => undefined,
    });
    const finder = finderOf(modules);
    finder.start();
    expect(finder.warnings()).toEqual([expect.stringContaining("cannot be seen ('orders')")]);
  });

  it('touches no provider that is none of these, and none that is not made', () => {
    const untouchable = new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail });
    for (const each of [untouchable, undefined, null, 'text', () => fail()]) modules.provide(each);
    expect(() => finderOf(modules).start()).not.toThrow();
  });
});

function fail(): never {
  throw new Error('must not be touched');
}
