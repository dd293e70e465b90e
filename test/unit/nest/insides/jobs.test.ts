import { describe, expect, it } from '@jest/globals';
import {
  type BullQueue,
  hasProcessors,
  jobSourceOf,
  workerOf,
  workersAreSeen,
  workersOf,
} from '../../../../src/nest/insides/jobs.js';
import { BullModule } from '@nestjs/bullmq';
import { CommandBus, EventBus } from '@nestjs/cqrs';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { SchedulerRegistry } from '@nestjs/schedule';

class FakeWorker {
  readonly name = 'orders';
  closed = 0;
  pause = async () => undefined;
  isPaused = () => false;
  isRunning = () => true;
  async close() {
    this.closed++;
  }
}

/** A queue with workers, as `@nestjs/bullmq` makes it. */
function queueOf(workers: FakeWorker[], options: { isClosed?: () => void } = {}): BullQueue {
  return {
    name: 'orders',
    opts: { processors: workers },
    async onApplicationShutdown(this: { close(): Promise<void> }) {
      await Promise.all(workers.map((worker) => worker.close()));
      await this.close();
      options.isClosed?.();
    },
  };
}

describe('A source of jobs', () => {
  const made = (type: object) => Object.create((type as { prototype: object }).prototype) as object;

  it.each([
    ['registry', new SchedulerRegistry()],
    ['emitter', new EventEmitter2()],
    ['commandBus', made(CommandBus)],
    ['eventBus', made(EventBus)],
  ])('is known by what it can do: %s', (kind, instance) => {
    expect(jobSourceOf(instance)).toBe(kind);
  });

  it.each([
    ['an empty object', {}],
    ['one without a prototype', Object.create(null) as object],
    [
      'a proxy that throws',
      new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail }),
    ],
    ['what extends such a proxy', Object.create(new Proxy({}, { getPrototypeOf: fail })) as object],
    ['getters', getters('execute', 'registerHandler', 'getCommandId')],
    ['a getter of the worker that throws', getters('_worker')],
    ['another worker than one of BullMQ', { _worker: { name: 'orders' } }],
  ])('is not taken for one: %s', (_, instance) => {
    expect(jobSourceOf(instance)).toBeUndefined();
    expect(workerOf(instance)).toBeUndefined();
  });

  it('is the worker of a processor, once it is there, and never asked for by the getter that throws', () => {
    const host = {
      get worker() {
        return fail();
      },
    };
    expect(workerOf(host)).toBeUndefined();
    const worker = new FakeWorker();
    expect(workerOf(Object.assign(host, { _worker: worker }))).toBe(worker);
  });
});

describe('The workers of a queue with processors', () => {
  it('are met without being closed', async () => {
    const workers = [new FakeWorker(), new FakeWorker()];
    const seen = workersOf(queueOf(workers), { _workerClass: FakeWorker });
    expect(seen).toEqual(workers);
    await new Promise((resolve) => setImmediate(resolve));
    expect(workers.map(({ closed }) => closed)).toEqual([0, 0]);
    await workers[0]!.close();
    expect(workers[0]!.closed).toBe(1);
  });

  it('are met where their class extends another that closes, too', () => {
    class OwnWorker extends FakeWorker {
      override async close() {
        await super.close();
      }
    }
    const worker = new OwnWorker();
    expect(workersOf(queueOf([worker]), { _workerClass: OwnWorker })).toEqual([worker]);
    expect(worker.closed).toBe(0);
    expect(Object.hasOwn(OwnWorker.prototype, 'close')).toBe(true);
  });

  it('are met whichever of them, and of the queue, is closed first, and nothing else that is closed is one', async () => {
    class Closing {
      closed = 0;
      async close() {
        this.closed++;
      }
    }
    class OwnWorker extends Closing {
      readonly name = 'orders';
      pause = async () => undefined;
      isPaused = () => false;
      isRunning = () => true;
    }
    const [worker, other] = [new OwnWorker(), new Closing()];
    const queue: BullQueue = {
      name: 'orders',
      async onApplicationShutdown(this: { close(): Promise<void> }) {
        await Promise.all([this.close(), other.close().catch(fail), worker.close()]);
      },
    };
    expect(workersOf(queue, { _workerClass: OwnWorker })).toEqual([worker]);
    expect([worker.closed, other.closed]).toEqual([0, 0]);
  });

  it('are not met where their class cannot be changed, and nothing fails', () => {
    class Hardened {
      async close(): Promise<void> {}
    }
    Object.freeze(Hardened.prototype);
    expect(workersOf(queueOf([]), { _workerClass: Hardened })).toEqual([]);
  });

  it('are met, and their class is as it was, though what closes them fails', async () => {
    const worker = new FakeWorker();
    const failing = queueOf([worker], { isClosed: fail });
    expect(workersOf(failing, { _workerClass: FakeWorker })).toEqual([worker]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(() => workersOf({ name: 'orders', onApplicationShutdown: fail }, { _workerClass: FakeWorker })).toThrow();
    await worker.close();
    expect(worker.closed).toBe(1);
  });

  it('are none where nothing closes them, or their class is not known', () => {
    expect(workersOf({ name: 'orders' }, { _workerClass: FakeWorker })).toEqual([]);
    const inherited = Object.create({ onApplicationShutdown: fail }) as BullQueue;
    expect(workersOf(inherited, { _workerClass: FakeWorker })).toEqual([]);
    expect(workersOf(queueOf([new FakeWorker()]), {})).toEqual([]);
  });

  it('are seen with the @nestjs/bullmq that is installed', () => {
    expect(workersAreSeen(BullModule)).toBe(true);
    expect(workersAreSeen({})).toBe(false);
    expect(workersAreSeen({ _workerClass: class {} })).toBe(false);
    expect(hasProcessors(queueOf([new FakeWorker()]))).toBe(true);
    expect(hasProcessors({ name: 'orders', opts: {} })).toBe(false);
    expect(hasProcessors({ name: 'orders', opts: { processors: [] } })).toBe(false);
  });
});

function getters(...names: readonly string[]): object {
  return Object.defineProperties({}, Object.fromEntries(names.map((name) => [name, { get: fail, enumerable: true }])));
}

function fail(): never {
  throw new Error('must not be touched');
}
