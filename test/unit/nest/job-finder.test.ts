import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { SchedulerRegistry } from '@nestjs/schedule';
import { type CronJob } from 'cron';
import { DrainCore } from '../../../src/drain-core.js';
import { JobFinder } from '../../../src/nest/job-finder.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { FakeWorker } from '../drainables/jobs/bullmq/fake-worker.js';
import { FakeModules } from './fake-modules.js';

class BullExplorer {
  constructor(private readonly worker: FakeWorker) {}
  registerWorkers() {}
  handleProcessor(processor: object) {
    Object.assign(processor, { _worker: this.worker });
    return 'handled';
  }
}

describe('The finder of what begins work by itself', () => {
  let clock: FakeClock;
  let core: DrainCore;
  let modules: FakeModules;
  let gate: Gate;

  beforeEach(() => {
    clock = new FakeClock();
    core = new DrainCore(resolveOptions({ drainTimeoutMs: 1_000 }), clock, {});
    modules = new FakeModules();
    gate = new Gate();
  });

  afterEach(() => gate.release());

  const finderOf = ({ container }: FakeModules) => new JobFinder(core, container);
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

  it('meets the explorer, the orchestrator and the registry of schedulers, which are drained as one', async () => {
    const targets: (() => unknown)[] = [];
    const orchestrator = {
      addCron: (target: () => unknown, _options: object) => void targets.push(target),
      addInterval: () => undefined,
      addTimeout: () => undefined,
    };
    class Reports {
      send = () => gate.pass();
    }
    const explorer = {
      lookupSchedulers: (instance: Reports, key: 'send') => orchestrator.addCron(instance[key], {}),
    };
    const registry = new SchedulerRegistry();
    const add = jest.spyOn(core.sequence, 'add');
    for (const each of [explorer, orchestrator, registry]) modules.provide(each);
    finderOf(modules).start();
    explorer.lookupSchedulers(new Reports(), 'send');
    targets[0]!();
    const stopped = jest.fn();
    registry.addCronJob('nightly', { fireOnTick: () => gate.pass(), stop: stopped } as unknown as CronJob);
    void registry.getCronJob('nightly').fireOnTick();
    expect(inFlight()).toEqual(['cron Reports.send']);
    stop();
    await turn();
    expect(stopped).toHaveBeenCalledTimes(1);
    expect(add.mock.calls.map(([{ name }]) => name)).toEqual(['schedulers']);
  });

  it('meets all emitters, which are drained as one', async () => {
    const emitters = [new EventEmitter2(), new EventEmitter2()];
    const add = jest.spyOn(core.sequence, 'add');
    for (const each of emitters) modules.provide(each);
    finderOf(modules).start();
    for (const each of emitters) each.on('order.placed', () => undefined, { async: true });
    core.tracker.take('request', 'GET /');
    stop();
    await turn();
    // What an emitter that drains emits is held until it has reached its listeners.
    for (const each of emitters) each.emit('order.placed');
    expect(inFlight()).toEqual(['request GET /', 'event order.placed', 'event order.placed']);
    expect(add.mock.calls.map(([{ name }]) => name)).toEqual(['event emitters']);
  });

  it('meets the buses of CQRS', () => {
    const commands = {
      execute: (_command: object) => gate.pass(),
      registerHandler: () => undefined,
      getCommandId: () => undefined,
    };
    const events = { publish: () => undefined, bind: (_handler: object) => undefined, registerSagas: () => undefined };
    modules.provide(commands);
    modules.provide(events);
    finderOf(modules).start();
    class ShipOrder {}
    class PlacedHandler {
      handle = (_event: object) => gate.pass();
    }
    const instance = new PlacedHandler();
    events.bind({ instance });
    void commands.execute(new ShipOrder());
    void instance.handle({});
    expect(inFlight()).toEqual(['command ShipOrder', 'event PlacedHandler.handle']);
  });

  it('meets as draining begins the worker that a processor has got after bootstrap', async () => {
    const processor = {};
    modules.provide(processor);
    finderOf(modules).start();
    const late = worker();
    Object.assign(processor, { _worker: late });
    stop();
    await turn();
    expect(late.steps).toContain('pause');
  });

  describe('of what is connected to a Redis', () => {
    /** It does not answer. */
    const close = () => new Promise<void>(() => undefined);
    const kinds = {
      'a queue': () => ({
        name: 'orders',
        addBulk: () => undefined,
        getJobCounts: () => undefined,
        onApplicationShutdown: fail,
        close,
      }),
      'a flow producer': () => ({ addBulk: () => undefined, getFlow: () => undefined, close }),
      'a worker': () => Object.assign(worker(), { close }),
    };

    /** Closes it, and tells whether that has ended. */
    function closing(connection: { close(): Promise<unknown> }): () => boolean {
      let hasClosed = false;
      void connection.close().then(() => (hasClosed = true));
      return () => hasClosed;
    }

    it.each(Object.entries(kinds))(
      'waits for %s before the drain is over, and half a second after',
      async (_, make) => {
        const connection = make();
        modules.provide(connection);
        finderOf(modules).start();
        const early = closing(connection);
        const lease = core.tracker.take('request', 'GET /');
        stop();
        await clock.advance(900);
        expect(early()).toBe(false);
        lease.release();
        // A worker is closed by the drain itself, which gives it up.
        await clock.advance(1_500);
        expect(core.phase).toBe('releasing');
        const late = closing(connection);
        await clock.advance(499);
        expect(late()).toBe(false);
        await clock.advance(1);
        expect(late()).toBe(true);
      },
    );

    it('waits no longer than a moment where the drain was cut', async () => {
      const connection = kinds['a queue']();
      modules.provide(connection);
      finderOf(modules).start();
      core.tracker.take('request', 'GET /');
      stop();
      await clock.advance(1_500);
      const hasClosed = closing(connection);
      await clock.advance(50);
      expect(hasClosed()).toBe(true);
    });
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
    const container = new FakeModules({ _workerClass: QueueWorker });
    container.provide({
      name: 'orders',
      opts: { processors: ['send.js'] },
      addBulk: () => undefined,
      getJobCounts: () => undefined,
      close: async () => undefined,
      onApplicationShutdown: () => hidden.close(),
    });
    const onApplicationShutdown = jest.fn();
    container.provide({ name: 'mails', addBulk: fail, getJobCounts: fail, onApplicationShutdown });
    const finder = finderOf(container);
    finder.start();
    expect(finder.warnings()).toEqual([]);
    void hidden.take('1');
    stop();
    await turn();
    expect(hidden.steps).toEqual(['pause']);
    // A queue without workers of its own is not asked.
    expect(onApplicationShutdown).not.toHaveBeenCalled();
  });

  it('warns of workers that cannot be seen', () => {
    modules.provide({
      name: 'orders',
      opts: { processors: ['send.js'] },
      addBulk: () => undefined,
      getJobCounts: () => undefined,
      onApplicationShutdown: () => undefined,
    });
    modules.provide({ name: 'mails', opts: {}, addBulk: fail, getJobCounts: fail, onApplicationShutdown: fail });
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
