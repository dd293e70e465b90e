import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  BullWorkerDrainable,
  drainableOf,
  drainableWorker,
} from '../../../../../src/drainables/jobs/bullmq/worker-drainable.js';
import { countIn } from '../../../../../src/drainables/jobs/shared/counted-source.js';
import { settle } from '../../../../support/fake-clock.js';
import { Gate } from '../../../../support/gate.js';
import { counting } from '../counting.js';
import { FakeWorker } from './fake-worker.js';

type Ending = { resolve(value?: unknown): void; reject(error: Error): void };

describe('The drainable of a BullMQ worker', () => {
  let endings: Ending[];
  let worker: FakeWorker;
  let counted: ReturnType<typeof counting>;
  let drainable: BullWorkerDrainable;
  let deadline: AbortController;

  beforeEach(() => {
    endings = [];
    worker = new FakeWorker(() => new Promise((resolve, reject) => endings.push({ resolve, reject })));
    counted = counting();
    deadline = new AbortController();
    drainable = new BullWorkerDrainable(worker, counted.clock);
    drainable[countIn](counted.calls);
  });

  const stateOf = (id: string) => worker.jobs.get(id)?.state;

  it('counts a job from when it is taken until what became of it is written', async () => {
    const written = worker.take('1');
    expect(counted.inFlight()).toEqual(['job orders:ship']);
    endings[0]!.resolve();
    await written;
    expect(counted.inFlight()).toEqual([]);
    expect(stateOf('1')).toBe('completed');
  });

  it('leaves a job that fails to the worker, with its error', async () => {
    const written = worker.take('1');
    endings[0]!.reject(new Error('no stock'));
    await written;
    expect(stateOf('1')).toBe('failed');
  });

  it('pauses as draining begins, and has drained when the jobs have ended', async () => {
    void worker.take('1');
    let hasDrained = false;
    void drainable.drain(deadline.signal).then(() => (hasDrained = true));
    expect(worker.steps).toEqual(['pause']);
    await settle();
    expect(hasDrained).toBe(false);
    endings[0]!.resolve();
    await settle();
    expect(hasDrained).toBe(true);
    expect(stateOf('1')).toBe('completed');
    await drainable.close();
    expect(worker.steps).toEqual(['pause', 'close']);
  });

  it.each([
    ['that can be ended', new AbortController()],
    ['that cannot', null],
  ])('ends what the worker waits for between its jobs, by a delay %s', async (_, controller) => {
    worker.waits = worker.delay(30_000, controller);
    await drainable.drain(deadline.signal);
    expect(worker.steps).toEqual(['delay 30000', 'pause']);
  });

  it('ends the wait for a rate limit that had begun before it was made', async () => {
    const early = new FakeWorker(async () => undefined);
    const abortDelayController = new AbortController();
    early.waits = early.delay(30_000, abortDelayController);
    Object.assign(early, { abortDelayController });
    expect(await new BullWorkerDrainable(early, counted.clock).drain(deadline.signal)).toEqual([]);
  });

  it('keeps short what the worker waits for while it drains', async () => {
    void worker.take('1');
    void drainable.drain(deadline.signal);
    void worker.delay(15_000, null);
    void worker.delay();
    void worker.delay(20);
    expect(worker.steps).toEqual(['pause', 'delay 100', 'delay 100', 'delay 20']);
  });

  it('is resumed by nobody while it drains', async () => {
    worker.resume();
    expect(worker.steps).toEqual(['resume']);
    await drainable.drain(deadline.signal);
    await worker.resume();
    await settle();
    expect(worker.steps).toEqual(['resume', 'pause']);
  });

  it('is resumed by itself where its BullMQ does so as it closes, before it shows that it is closing', async () => {
    worker.close = async () => {
      worker.resume();
      Object.assign(worker, { closing: Promise.resolve() });
    };
    await drainable.drain(deadline.signal);
    await drainable.close();
    await settle();
    expect(worker.steps).toEqual(['pause', 'resume']);
  });

  it('gives back a job that was fetched as draining began, and never calls its processor', async () => {
    void drainable.drain(deadline.signal);
    await worker.take('1');
    expect(endings).toHaveLength(0);
    expect(stateOf('1')).toBe('waiting');
    expect(counted.inFlight()).toEqual([]);
  });

  it('tells jobs to stop at the deadline, and hands back what still runs a moment later', async () => {
    void worker.take('1');
    void worker.take('2');
    const drained = drainable.drain(deadline.signal);
    await counted.clock.advance(1_000);
    deadline.abort();
    await settle();
    expect(worker.steps).toEqual(['pause', 'cancel']);
    endings[0]!.resolve();
    await counted.clock.advance(50);
    expect(await drained).toEqual([{ kind: 'job', name: 'orders:ship', ageMs: 1_050, detail: 'handed back' }]);
    expect([stateOf('1'), stateOf('2')]).toEqual(['completed', 'waiting']);
    expect(counted.inFlight()).toEqual([]);
    counted.clock.assertNoTimerLeft();
  });

  it('takes a job that fails after the deadline for one that was told to stop', async () => {
    void worker.take('1');
    void drainable.drain(deadline.signal);
    await settle();
    deadline.abort();
    await settle();
    endings[0]!.reject(new Error('aborted'));
    await settle();
    expect(stateOf('1')).toBe('waiting');
  });

  it('gives a job that fails after the deadline back once, though the moment ends meanwhile', async () => {
    const giving = new Gate();
    let given = 0;
    worker.moveToWait = () => {
      given++;
      return giving.pass();
    };
    void worker.take('1');
    const drained = drainable.drain(deadline.signal);
    await settle();
    deadline.abort();
    await settle();
    endings[0]!.reject(new Error('aborted'));
    await counted.clock.advance(50);
    giving.release();
    expect(await drained).toMatchObject([{ detail: 'handed back' }]);
    expect(given).toBe(1);
  });

  it('gives a job back by delaying it where its BullMQ has no other way, and not at all where it has none', async () => {
    void worker.take('1');
    void worker.take('2');
    const delayed: unknown[] = [];
    const moveToDelayed = async (_at: number, token: string) => delayed.push(token);
    Object.assign(worker.jobs.get('1')!, { moveToWait: undefined, moveToDelayed });
    Object.assign(worker.jobs.get('2')!, { moveToWait: undefined });
    const handed = await drainable.forceClose();
    expect(delayed).toEqual(['token-1']);
    expect(handed.map(({ detail }) => detail)).toEqual(['handed back', expect.stringMatching(/^not handed back/)]);
  });

  it('is cut though its drain has not begun: jobs are told to stop, and what is fetched is given back', async () => {
    void worker.take('1');
    const forced = drainable.forceClose();
    expect(worker.steps[0]).toBe('cancel');
    expect(await forced).toMatchObject([{ detail: 'handed back' }]);
    await worker.take('2');
    expect(endings).toHaveLength(1);
    expect(stateOf('2')).toBe('waiting');
  });

  it('does not mind a worker that cannot be closed when it is cut', async () => {
    worker.close = () => Promise.reject(new Error('connection is closed'));
    expect(await drainable.forceClose()).toEqual([]);
    await settle();
  });

  it('names no job as unwritten that is written', async () => {
    const written = worker.take('1');
    endings[0]!.resolve();
    await written;
    expect(await drainable.forceClose()).toEqual([]);
  });

  it('drains a worker of a BullMQ that neither cancels jobs nor shows its locks', async () => {
    Object.assign(worker, { lockManager: undefined, cancelAllJobs: undefined });
    void worker.take('1');
    const drained = drainable.drain(deadline.signal);
    deadline.abort();
    await counted.clock.advance(50);
    expect(await drained).toMatchObject([{ detail: 'handed back' }]);
  });

  it('writes nothing of a job that has been handed back, however it ends', async () => {
    void worker.take('1');
    void worker.take('2');
    expect(await drainable.forceClose()).toHaveLength(2);
    endings[0]!.resolve();
    endings[1]!.reject(new Error('too late'));
    await settle();
    expect([stateOf('1'), stateOf('2')]).toEqual(['waiting', 'waiting']);
  });

  it('names a job once, also where it is cut after the deadline', async () => {
    void worker.take('1');
    const drained = drainable.drain(deadline.signal);
    deadline.abort();
    await counted.clock.advance(50);
    expect(await drained).toHaveLength(1);
    expect(await drainable.forceClose()).toEqual([]);
    expect(worker.steps).toEqual(['pause', 'cancel', 'close(true)']);
  });

  it('says which jobs the queue did not take back, and does not wait for it', async () => {
    worker.moveToWait = () => Promise.reject(new Error('connection is closed'));
    void worker.take('1');
    const [refused] = await drainable.forceClose();
    expect(refused?.detail).toMatch(/^not handed back/);

    const silent = new FakeWorker(() => new Promise(() => undefined));
    silent.moveToWait = () => new Promise(() => undefined);
    const unanswered = new BullWorkerDrainable(silent, counted.clock);
    void silent.take('1');
    const forced = unanswered.forceClose();
    await counted.clock.advance(300);
    expect((await forced)[0]?.detail).toMatch(/^not handed back/);
  });

  it('says which jobs have ended without that being written', async () => {
    worker.writes = () => new Promise(() => undefined);
    void worker.take('1');
    endings[0]!.resolve();
    const drained = drainable.drain(deadline.signal);
    await settle();
    deadline.abort();
    await counted.clock.advance(50);
    expect(await drained).toEqual([]);
    const detail = 'not written: it runs again when its lock has expired';
    expect(await drainable.forceClose()).toEqual([{ kind: 'job', name: 'orders:ship', ageMs: 50, detail }]);
  });

  it('fails where a worker without a job has not stopped by the deadline, so that the report says why', async () => {
    worker.pause = () => new Promise(() => undefined);
    const drained = drainable.drain(deadline.signal);
    deadline.abort();
    const failed = expect(drained).rejects.toThrow("Expected Redis to answer the worker of 'orders'");
    await counted.clock.advance(50);
    await failed;
  });

  it('takes a queue for one that has answered when its answer waits to be read', async () => {
    let answers: () => void = () => undefined;
    worker.moveToWait = () => new Promise((resolve) => (answers = resolve));
    void worker.take('1');
    const drained = drainable.drain(deadline.signal);
    deadline.abort();
    await counted.clock.advance(50);
    // It is read in the poll that follows the timers.
    counted.clock.after(100, () => queueMicrotask(answers));
    await counted.clock.advance(100);
    expect(await drained).toMatchObject([{ detail: 'handed back' }]);
  });

  it('takes one for such, too, that is asked of a job that ran before the worker was met', async () => {
    const early = new FakeWorker(() => new Promise(() => undefined));
    let answers: () => void = () => undefined;
    early.Job.fromId = (_, id) => new Promise((resolve) => (answers = () => resolve(early.jobs.get(id))));
    void early.take('1');
    const drained = new BullWorkerDrainable(early, counted.clock).drain(deadline.signal);
    deadline.abort();
    await counted.clock.advance(50);
    counted.clock.after(100, () => queueMicrotask(answers));
    await counted.clock.advance(100);
    expect(await drained).toMatchObject([{ name: 'orders:ship', detail: 'handed back' }]);
  });

  it('names a job once, also where the rest is cut before the moment is over', async () => {
    void worker.take('1');
    const drained = drainable.drain(deadline.signal);
    deadline.abort();
    await counted.clock.advance(49);
    const forced = drainable.forceClose();
    await counted.clock.advance(50);
    expect([...(await drained), ...(await forced)]).toMatchObject([{ name: 'orders:ship', detail: 'handed back' }]);
  });

  it('ends the processes of sandboxed processors that are handed back, and no others', async () => {
    const killed: string[] = [];
    worker.childPool.retained['7'] = { kill: async (signal) => killed.push(signal) };
    void worker.take('1');
    const drained = drainable.drain(deadline.signal);
    await settle();
    expect(killed).toEqual([]);
    deadline.abort();
    await counted.clock.advance(50);
    await drained;
    expect(killed).toEqual(['SIGKILL']);
  });

  it('waits for jobs that ran before it was made, and hands them back', async () => {
    const early = new FakeWorker(() => new Promise((resolve, reject) => endings.push({ resolve, reject })));
    void early.take('1');
    const late = new BullWorkerDrainable(early, counted.clock);
    late[countIn](counted.calls);
    const drained = late.drain(deadline.signal);
    expect(counted.inFlight()).toEqual(['job orders']);
    deadline.abort();
    await settle();
    // It is named by what it is handed back as, and not by its lease as well.
    expect(counted.inFlight()).toEqual([]);
    await counted.clock.advance(50);
    expect(await drained).toMatchObject([{ name: 'orders:ship', detail: 'handed back' }]);
    expect(early.jobs.get('1')?.state).toBe('waiting');
  });

  it('waits for jobs that ran before it was made until they have ended, and counts them no longer', async () => {
    const early = new FakeWorker(() => new Promise((resolve, reject) => endings.push({ resolve, reject })));
    const written = early.take('1');
    const late = new BullWorkerDrainable(early, counted.clock);
    late[countIn](counted.calls);
    const drained = late.drain(deadline.signal);
    expect(counted.inFlight()).toEqual(['job orders']);
    endings[0]!.resolve();
    await written;
    expect(await drained).toEqual([]);
    expect(counted.inFlight()).toEqual([]);
  });

  it('hands a job that ran before it was made back once, also where it is cut after the deadline', async () => {
    const early = new FakeWorker(() => new Promise(() => undefined));
    void early.take('1');
    let given = 0;
    early.moveToWait = async () => void given++;
    const late = new BullWorkerDrainable(early, counted.clock);
    const drained = late.drain(deadline.signal);
    deadline.abort();
    await counted.clock.advance(50);
    expect(await drained).toMatchObject([{ detail: 'handed back' }]);
    expect(await late.forceClose()).toEqual([]);
    expect(given).toBe(1);
  });

  it.each([
    ['is not there', undefined],
    ['fails', { fromId: () => Promise.reject(new Error('connection is closed')) }],
  ])('names jobs that ran before it was made by their queue where what finds them %s', async (_, Job) => {
    const early = new FakeWorker(() => new Promise(() => undefined));
    void early.take('1');
    Object.assign(early, { Job });
    const forced = await new BullWorkerDrainable(early, counted.clock).forceClose();
    expect(forced).toMatchObject([{ name: 'orders', detail: expect.stringMatching(/^not handed back/) }]);
  });

  it('does not wait for a Redis that says nothing of the jobs that ran before it was made', async () => {
    const early = new FakeWorker(() => new Promise(() => undefined));
    void early.take('1');
    early.Job.fromId = () => new Promise(() => undefined);
    const forced = new BullWorkerDrainable(early, counted.clock).forceClose();
    await counted.clock.advance(100);
    expect(await forced).toMatchObject([{ kind: 'job', name: 'orders', detail: expect.stringMatching(/^not handed/) }]);
  });

  it('has drained where the application closes the worker meanwhile', async () => {
    void worker.take('1');
    const closing = Promise.resolve();
    worker.pause = () => Promise.reject(new Error('connection is closed'));
    Object.assign(worker, { closing });
    await drainable.drain(deadline.signal);
    endings[0]!.resolve();
  });

  it('fails where the worker cannot be paused, so that the report names it', async () => {
    worker.pause = () => Promise.reject(new Error('connection is closed'));
    await expect(drainable.drain(deadline.signal)).rejects.toThrow('connection is closed');
  });
});

describe('drainableWorker()', () => {
  it('makes one drainable for a worker, however often it is asked', () => {
    const worker = new FakeWorker(async () => undefined);
    expect(drainableWorker(worker)).toBe(drainableWorker(worker));
    expect(drainableWorker(worker)).toBe(drainableOf(worker));
    expect(drainableWorker(worker).name).toBe('bullmq worker orders');
  });

  const [pause, close, isPaused, isRunning] = [() => undefined, () => undefined, () => false, () => true];

  it.each([
    ['a thing with a name', { name: 'orders' }],
    ['a queue, which can be paused and closed as well', { name: 'orders', pause, close, isPaused }],
    ['what has no queue', { pause, close, isPaused, isRunning }],
  ])('raises for anything else: %s', (_, other) => {
    expect(() => drainableWorker(other)).toThrow('Expected drainableWorker() to be given a Worker of bullmq');
  });
});
