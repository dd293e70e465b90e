import { type CountedCalls } from '../../../in-flight/counted-calls.js';
import { endWith } from '../../../in-flight/run-until-settled.js';
import { type Clock, settledWithin, systemClock, whenAborted } from '../../../sequence/clock.js';
import { type Drainable, type Leftover } from '../../../sequence/drainable.js';
import { DrainError } from '../../../sequence/errors.js';
import { type CountedSource } from '../shared/counted-source.js';
import { overlay } from '../shared/overlay.js';
import { RunningJob } from './running-job.js';
import { type BullJob, type BullWorker, isBullWorker } from './worker.js';

type Process = (this: BullWorker, job: BullJob, token: string, ...rest: unknown[]) => Promise<unknown>;

/** What jobs get to end by themselves, once they have been told to stop, before they are handed back, ms. */
const momentMs = 50;
/** Handing back is one command for each job. A broker that does not answer is not waited for any longer, ms. */
const handBackMs = 300;

/**
 * A worker of BullMQ. As draining begins it stops fetching, and what it has fetched by then is given back before its
 * processor is called. Jobs that run end, and their locks are renewed meanwhile. At the deadline they are told to stop,
 * by the signal of `cancelAllJobs()`, and given back to the queue, so that another worker runs them once more: at least
 * once is what a queue promises. Queues and flows, which produce, are left alone.
 */
export class BullWorkerDrainable implements CountedSource {
  readonly name: string;
  private readonly running = new Set<RunningJob>();
  private calls?: CountedCalls;
  private isDraining = false;
  private isTooLate = false;
  private handing?: Promise<readonly Leftover[]>;

  constructor(
    private readonly worker: BullWorker,
    private readonly clock: Clock = systemClock,
  ) {
    this.name = `bullmq worker ${worker.name}`;
    overlay<Process>(worker, 'processJob', (original) => (job, token, ...rest) => {
      const end = this.calls?.begin('job', `${worker.name}:${job.name}`) ?? (() => undefined);
      return endWith(original.call(worker, job, token, ...rest), end);
    });
    overlay<Process>(worker, 'callProcessJob', (original) => (job, token, ...rest) => {
      return this.process(job, token, async () => original.call(worker, job, token, ...rest));
    });
  }

  countIn(calls: CountedCalls): void {
    this.calls = calls;
  }

  async drain(deadline: AbortSignal): Promise<readonly Leftover[]> {
    this.isDraining = true;
    const release = this.countEarlier();
    try {
      const ended = this.worker.pause();
      await Promise.race([ended, whenAborted(deadline)]);
      if (!deadline.aborted) return [];
      this.tellToStop();
      await settledWithin(this.clock, ended, momentMs);
      return await this.handBackAll();
    } finally {
      release();
    }
  }

  async forceClose(): Promise<readonly Leftover[]> {
    this.isDraining = true;
    this.tellToStop();
    const isNamedAlready = this.handing !== undefined;
    const leftovers = await this.handBackAll();
    // What is left of the worker is not waited for: Nest closes it once more, and waits then.
    void this.worker.close(true).catch(() => undefined);
    return isNamedAlready ? [] : leftovers;
  }

  async close(): Promise<void> {
    await this.worker.close();
  }

  private async process(job: BullJob, token: string, call: () => Promise<unknown>): Promise<unknown> {
    const running = new RunningJob(this.worker.name, job, token, this.clock);
    if (this.isDraining) return running.decline();
    this.running.add(running);
    try {
      return await running.run(call, () => this.isTooLate);
    } finally {
      this.running.delete(running);
    }
  }

  private tellToStop(): void {
    if (this.isTooLate) return;
    this.isTooLate = true;
    this.worker.cancelAllJobs?.('the application shuts down');
  }

  /**
   * Jobs that run since before the worker was met. They are waited for, by its queue's name; whatever their processors
   * throw is written as it is.
   */
  private *earlier(): Iterable<readonly [id: string, token: string]> {
    const met = new Set(Array.from(this.running, ({ token }) => token));
    for (const [id, { token }] of this.worker.lockManager?.trackedJobs ?? []) {
      if (token !== undefined && !met.has(token)) yield [id, token];
    }
  }

  /** Takes a lease for each of them. Returns what releases all. */
  private countEarlier(): () => void {
    const ends = Array.from(this.earlier(), () => this.calls?.begin('job', this.worker.name));
    return () => ends.forEach((end) => end?.());
  }

  /** Hands back what still runs. A processor in a process of its own would go on, and hold the worker: it is ended. */
  private handBackAll(): Promise<readonly Leftover[]> {
    return (this.handing ??= this.handBackEach());
  }

  private async handBackEach(): Promise<readonly Leftover[]> {
    const { worker } = this;
    const met = Array.from(this.running, (job) => this.handBackOne(job));
    const earlier = Array.from(this.earlier(), async ([id, token]) => {
      const job = await worker.Job?.fromId?.(worker, id).catch(() => undefined);
      return job && this.handBackOne(new RunningJob(worker.name, job, token, this.clock));
    });
    const leftovers = await Promise.all([...met, ...earlier]);
    for (const child of Object.values(worker.childPool?.retained ?? {})) void child?.kill?.('SIGKILL');
    return leftovers.filter((each) => each !== undefined);
  }

  private async handBackOne(job: RunningJob): Promise<Leftover> {
    const taken = job.handBack();
    return job.leftover((await settledWithin(this.clock, taken, handBackMs)) && (await taken));
  }
}

const drainables = new WeakMap<BullWorker, BullWorkerDrainable>();

/** The drainable of a worker: one for each, however often it is met. */
export function drainableOf(worker: BullWorker): BullWorkerDrainable {
  const drainable = drainables.get(worker) ?? new BullWorkerDrainable(worker);
  drainables.set(worker, drainable);
  return drainable;
}

/**
 * Makes a drainable of a worker of BullMQ that cannot be discovered, one that you make yourself: give it to
 * `GracefulShutdown.register()`. Processors of `@nestjs/bullmq` are discovered, and need nothing.
 *
 * As draining begins the worker stops fetching; jobs that run end, and their locks are renewed meanwhile. At the drain
 * deadline what still runs is handed back to its queue, and another worker runs it once more. Then the worker closes.
 *
 * @param worker a `Worker` of `bullmq`, made before
 * @throws DrainError `DRAIN_INVALID_ARGUMENT` for anything else
 * @publicApi
 */
export function drainableWorker(worker: object): Drainable {
  if (isBullWorker(worker)) return drainableOf(worker);
  throw new DrainError(
    'DRAIN_INVALID_ARGUMENT',
    'Expected drainableWorker() to be given a Worker of bullmq (name, pause, close), got something else. ' +
      'Consumers of other queues are a Drainable of their own: register().',
  );
}
