import { type BullJob, type BullWorker } from '../../../../../src/drainables/jobs/bullmq/worker.js';

/** What BullMQ writes of a job, in memory. */
export interface FakeJob extends BullJob {
  state: 'active' | 'waiting' | 'completed' | 'failed' | 'delayed';
}

/** A worker of BullMQ without a Redis: its methods call one another as those of the real one do. */
export class FakeWorker implements BullWorker {
  readonly name = 'orders';
  /** What was called, in order. */
  readonly steps: string[] = [];
  readonly trackedJobs = new Map<string, { token: string }>();
  readonly lockManager = { trackedJobs: this.trackedJobs };
  readonly childPool = { retained: {} as Record<string, { kill(signal: string): Promise<unknown> }> };
  readonly jobs = new Map<string, FakeJob>();
  readonly Job = { fromId: async (_: unknown, id: string): Promise<BullJob | undefined> => this.jobs.get(id) };
  /** Whether handing a job back works, and when. */
  moveToWait: () => Promise<void> = async () => undefined;
  /** Whether what became of a job can be written, and when. */
  writes: () => Promise<void> = async () => undefined;
  /** What the loop of the worker waits for, if not for its jobs. */
  waits: Promise<unknown> = Promise.resolve();
  private readonly active = new Set<Promise<unknown>>();
  private tokens = 0;

  constructor(private readonly processFn: (job: BullJob, signal: AbortSignal) => Promise<unknown>) {}

  isPaused = () => false;
  isRunning = () => true;
  run = async () => undefined;

  /** Takes a job from its queue. Resolves when what became of it has been written. */
  take(id: string): Promise<unknown> {
    const job: FakeJob = {
      id,
      name: 'ship',
      state: 'active',
      moveToWait: async () => {
        await this.moveToWait();
        job.state = 'waiting';
      },
    };
    this.jobs.set(id, job);
    const token = `token-${++this.tokens}`;
    this.trackedJobs.set(id, { token });
    const processed = this.processJob(job, token).finally(() => this.active.delete(processed));
    this.active.add(processed);
    return processed;
  }

  async processJob(job: BullJob, token: string): Promise<unknown> {
    const { state: _, ...fake } = job as FakeJob;
    try {
      await this.callProcessJob(job, token, new AbortController().signal);
      await this.writes();
      (job as FakeJob).state = 'completed';
    } catch (error) {
      if ((error as Error).name !== 'DelayedError') (job as FakeJob).state = 'failed';
    } finally {
      this.trackedJobs.delete(fake.id!);
    }
    return undefined;
  }

  callProcessJob(job: BullJob, _token: string, ...rest: unknown[]): Promise<unknown> {
    return this.processFn(job, rest[0] as AbortSignal);
  }

  async pause(): Promise<void> {
    this.steps.push('pause');
    await Promise.all([this.waits, ...this.active]);
  }

  /** It ends when it is aborted. A signal that has been aborted before is not noticed, as by that of BullMQ. */
  delay(ms?: number, controller?: AbortController | null): Promise<void> {
    this.steps.push(`delay ${ms}`);
    return new Promise((resolve) => controller?.signal.addEventListener('abort', () => resolve()));
  }

  resume(): unknown {
    return this.steps.push('resume');
  }

  cancelAllJobs(): void {
    this.steps.push('cancel');
  }

  async close(force = false): Promise<void> {
    this.steps.push(force ? 'close(true)' : 'close');
  }
}
