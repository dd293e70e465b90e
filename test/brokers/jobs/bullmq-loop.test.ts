import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Queue, Worker, type WorkerOptions } from 'bullmq';
import { drainableWorker } from '../../../src/index.js';
import { describeWithBrokers, sharedBroker } from '../../support/describe-with-brokers.js';
import { Gate } from '../../support/gate.js';

const drainMs = 5_000;
let queues = 0;

describeWithBrokers('redis', 'The loop of a BullMQ worker that drains', () => {
  let connection: { host: string; port: number; maxRetriesPerRequest: null };
  let queue: Queue;
  let worker: Worker | undefined;
  let gate: Gate;

  beforeEach(async () => {
    const { port } = await sharedBroker('redis');
    connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
    queue = new Queue(`loop-${process.pid}-${++queues}`, { connection });
    gate = new Gate();
  });

  afterEach(async () => {
    await worker?.close(true);
    await queue.obliterate({ force: true });
    await queue.close();
  });

  function work(process: () => Promise<unknown>, options: Partial<WorkerOptions> = {}): Worker {
    worker = new Worker(queue.name, process, { connection, ...options });
    return worker;
  }

  /** Drains, and resolves with how long that took, ms. */
  async function drain(during: () => unknown = () => undefined): Promise<number> {
    const startedAt = Date.now();
    const drained = drainableWorker(worker!).drain(AbortSignal.timeout(drainMs));
    await during();
    expect(await drained).toEqual([]);
    return Date.now() - startedAt;
  }

  it('does not wait for the end of a rate limit', async () => {
    const limited = work(async () => undefined, { limiter: { max: 1, duration: 20_000 } });
    const { delay } = limited;
    limited.delay = (...args) => {
      void gate.pass();
      return delay.apply(limited, args);
    };
    await queue.addBulk(['first', 'second'].map((name) => ({ name, data: {} })));
    await gate.entered;
    expect(await drain()).toBeLessThan(drainMs / 2);
    expect(await queue.getJobCounts('completed', 'wait')).toEqual({ completed: 1, wait: 1 });
  });

  it('does not wait for the end of one that a job meets meanwhile', async () => {
    const limiter = { max: 5, duration: 500 };
    const limited = async () => {
      await gate.pass();
      await queue.rateLimit(15_000);
      throw Worker.RateLimitError();
    };
    work(limited, { limiter });
    await queue.add('first', {});
    await gate.entered;
    expect(await drain(() => gate.release())).toBeLessThan(drainMs / 2);
    expect(await queue.getJobCounts('active', 'wait')).toEqual({ active: 0, wait: 1 });
  });

  it('takes no job when it is resumed', async () => {
    const breaker = work(async () => undefined);
    await breaker.waitUntilReady();
    await breaker.pause();
    await queue.add('first', {});
    await drain();
    await breaker.resume();
    // What it takes it has taken by the time at which its connections have closed.
    await breaker.close();
    const [job] = await queue.getJobs(['wait', 'completed']);
    expect(job?.attemptsStarted).toBe(0);
    expect(breaker.isPaused()).toBe(true);
  });
});
