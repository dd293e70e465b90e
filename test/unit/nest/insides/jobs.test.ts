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
    ['getters', { get execute() { return fail(); }, get getCronJobs() { return fail(); } }], // prettier-ignore
  ])('is not taken for one: %s', (_, instance) => {
    expect(jobSourceOf(instance)).toBeUndefined();
    expect(workerOf({ instance })).toBeUndefined();
  });

  it('is the worker of a processor, once it is there, and never asked for by the getter that throws', () => {
    const host = {
      get worker() {
        return fail();
      },
    };
    expect(workerOf({ instance: host })).toBeUndefined();
    const worker = new FakeWorker();
    expect(workerOf({ instance: Object.assign(host, { _worker: worker }) })).toBe(worker);
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

  it('are none where nothing closes them, or their class is not known', () => {
    expect(workersOf({ name: 'orders' }, { _workerClass: FakeWorker })).toEqual([]);
    expect(workersOf(queueOf([new FakeWorker()]), {})).toEqual([]);
  });

  it('are seen with the @nestjs/bullmq that is installed', () => {
    expect(workersAreSeen(BullModule)).toBe(true);
    expect(workersAreSeen({})).toBe(false);
    expect(hasProcessors(queueOf([new FakeWorker()]))).toBe(true);
    expect(hasProcessors({ name: 'orders', opts: {} })).toBe(false);
  });
});

function fail(): never {
  throw new Error('must not be touched');
}
