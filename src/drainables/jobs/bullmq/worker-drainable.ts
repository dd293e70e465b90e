import { type CountedCalls } from '../../../in-flight/counted-calls.js';
import { endWith } from '../../../in-flight/run-until-settled.js';
import { type Clock, nextPoll, settledWithin, systemClock, whenAborted } from '../../../sequence/clock.js';
import { type Drainable, type Leftover } from '../../../sequence/drainable.js';
import { DrainError } from '../../../sequence/errors.js';
import { countIn, type CountedSource } from '../shared/counted-source.js';
import { overlay } from '../../shared/overlay.js';
import { detailOf, RunningJob } from './running-job.js';
import { BullWorkerLoop } from './worker-loop.js';
import { type BullJob, type BullWorker, isBullWorker } from './worker.js';

type Process = (this: BullWorker, job: BullJob, token: string, ...rest: unknown[]) => Promise<unknown>;

/** What jobs get to end by themselves, once they have been told to stop, before they are handed back, ms. */
const momentMs = 50;
/** Handing back is one command for each job. A broker that does not answer is not waited for any longer, ms. */
const handBackMs = 100;

/**
 * A worker of BullMQ. As draining begins it stops fetching, and what it has fetched by then is given back before its
 * processor is called. Jobs that run end, and their locks are renewed meanwhile. At the deadline they are told to stop,
 * by the signal of `cancelAllJobs()`, and given back to the queue, so that another worker runs them once more: at least
 * once is what a queue promises. Queues and flows, which produce, are left alone.
 */
export class BullWorkerDrainable implements CountedSource {
  readonly name: string;
  private readonly loop: BullWorkerLoop;
  private readonly running = new Set<RunningJob>();
  /** Jobs that have ended, until that is written, by their tokens. */
  private readonly unwritten = new Map<string, RunningJob>();
  /** A worker may outlive an application that was never closed: it does not keep it. */
  private calls?: WeakRef<CountedCalls>;
  private isDraining = false;
  private isTooLate = false;
  private handing?: Promise<readonly Leftover[]>;

  constructor(
    private readonly worker: BullWorker,
    private readonly clock: Clock = systemClock,
  ) {
    this.name = `bullmq worker ${worker.name}`;
    this.loop = new BullWorkerLoop(worker);
    overlay<Process>(worker, 'processJob', (original) => (job, token, ...rest) => {
      const end = this.calls?.deref()?.begin('job', `${worker.name}:${job.name}`);
      return endWith(original.call(worker, job, token, ...rest), () => {
        this.unwritten.delete(token);
        end?.();
      });
    });
    overlay<Process>(worker, 'callProcessJob', (original) => (job, token, ...rest) => {
      return this.process(job, token, async () => original.call(worker, job, token, ...rest));
    });
  }

  [countIn](calls: CountedCalls): void {
    this.calls = new WeakRef(calls);
  }

  async drain(deadline: AbortSignal): Promise<readonly Leftover[]> {
    this.isDraining = true;
    const release = this.countEarlier();
    try {
      const ended = this.pause();
      this.loop.stop();
      await Promise.race([ended, whenAborted(deadline)]);
      if (!deadline.aborted) return [];
      // Each of them is named as it is handed back, which may take until the rest is cut: it would be named twice.
      release();
      this.tellToStop();
      const haveEnded = await settledWithin(this.clock, ended, momentMs);
      // On a busy machine the rest is cut before the moment is over. Whoever comes first names the jobs.
      if (this.handing) return [];
      const leftovers = await this.handBackAll();
      if (!haveEnded && leftovers.length === 0 && this.unwritten.size === 0) throw silence(this.worker.name);
      return leftovers;
    } finally {
      release();
    }
  }

  async forceClose(): Promise<readonly Leftover[]> {
    this.isDraining = true;
    this.tellToStop();
    const isNamedAlready = this.handing !== undefined;
    const handed = await this.handBackAll();
    const unwritten = Array.from(this.unwritten.values(), (job) => job.leftover('not written'));
    // What is left of the worker is not waited for: Nest closes it once more, and waits then.
    void this.worker.close(true).catch(() => undefined);
    return isNamedAlready ? unwritten : [...handed, ...unwritten];
  }

  async close(): Promise<void> {
    await this.worker.close();
  }

  /** Whoever closes the worker meanwhile takes its connection from it, and waits for its jobs as well. */
  private async pause(): Promise<void> {
    try {
      await this.worker.pause();
    } catch (error) {
      if (this.worker.closing === undefined) throw error;
      await this.worker.closing;
    }
  }

  private async process(job: BullJob, token: string, call: () => Promise<unknown>): Promise<unknown> {
    const running = new RunningJob(this.worker.name, job, token, this.clock);
    if (this.isDraining) return running.decline();
    this.running.add(running);
    try {
      return await running.run(call, () => this.isTooLate);
    } finally {
      this.running.delete(running);
      if (!running.isHandedBack) this.unwritten.set(token, running);
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
    const met = new Set([...Array.from(this.running, ({ token }) => token), ...this.unwritten.keys()]);
    for (const [id, { token }] of this.worker.lockManager?.trackedJobs ?? []) {
      if (!met.has(token)) yield [id, token];
    }
  }

  /** Takes a lease for each of them. Returns what releases all. */
  private countEarlier(): () => void {
    const ends = Array.from(this.earlier(), () => this.calls?.deref()?.begin('job', this.worker.name));
    return () => ends.forEach((end) => end?.());
  }

  /** Hands back what still runs. A processor in a process of its own would go on, and hold the worker: it is ended. */
  private handBackAll(): Promise<readonly Leftover[]> {
    return (this.handing ??= this.handBackEach());
  }

  private async handBackEach(): Promise<readonly Leftover[]> {
    const { worker } = this;
    const met = Array.from(this.running, (job) => this.handBackOne(job));
    const earlier = Array.from(this.earlier(), ([id, token]) => this.handBackEarlier(id, token));
    const leftovers = await Promise.all([...met, ...earlier]);
    for (const child of Object.values(worker.childPool?.retained ?? {})) void child?.kill?.('SIGKILL');
    return leftovers;
  }

  /** Of a job that ran before the worker was met nothing is known but its id. */
  private async handBackEarlier(id: string, token: string): Promise<Leftover> {
    const { worker, clock } = this;
    const asked = worker.Job?.fromId?.(worker, id).catch(() => undefined) ?? Promise.resolve(undefined);
    const job = await this.answered(asked, undefined);
    if (job) return this.handBackOne(new RunningJob(worker.name, job, token, clock));
    return { kind: 'job', name: worker.name, ageMs: 0, detail: detailOf('not handed back') };
  }

  private async handBackOne(job: RunningJob): Promise<Leftover> {
    const isTaken = await this.answered(job.handBack(), false);
    return job.leftover(isTaken ? 'handed back' : 'not handed back');
  }

  /** What the broker answers, or `otherwise`. On a busy machine the answer may have come, and not have been read. */
  private async answered<T>(asked: Promise<T>, otherwise: T): Promise<T> {
    if (await settledWithin(this.clock, asked, handBackMs)) return asked;
    return Promise.race([asked, nextPoll().then(() => otherwise)]);
  }
}

/** Of the jobs of a worker that was met late, and of one that is being fetched, nothing is known. */
function silence(worker: string): DrainError {
  return new DrainError(
    'DRAIN_CONNECTION_LOST',
    `Expected Redis to answer the worker of '${worker}' by the drain deadline, got nothing. ` +
      'A job that it has fetched, or whose end is not written, runs again when its lock has expired.',
  );
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
