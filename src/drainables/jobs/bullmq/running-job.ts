import { type Clock } from '../../../sequence/clock.js';
import { Deferred } from '../../../sequence/deferred.js';
import { type Leftover } from '../../../sequence/drainable.js';
import { type BullJob } from './worker.js';

/**
 * What a processor seems to have thrown when its job is somebody else's: a worker then writes nothing of it. It knows
 * errors of this name since bullmq 3.
 */
class HandedBackError extends Error {
  override readonly name = 'DelayedError';

  constructor() {
    super('handed back');
  }
}

/** What became of a job that the drain did not wait for; the last is one that has ended, which Redis does not know. */
export type JobFate = 'handed back' | 'not handed back' | 'not written';

export function detailOf(fate: JobFate): string {
  return fate === 'handed back' ? fate : `${fate}: it runs again when its lock has expired`;
}

/** A job whose processor has been called. */
export class RunningJob {
  private readonly startedAt: number;
  private readonly left = new Deferred<void>();
  private giving?: Promise<boolean>;
  private hasLeft = false;

  constructor(
    private readonly queue: string,
    private readonly job: BullJob,
    /** What the job is locked by. */
    readonly token: string,
    private readonly clock: Clock,
  ) {
    this.startedAt = clock.now();
  }

  /**
   * What the worker waits for.
   *
   * @param process calls the processor
   * @param isRefusing reports whether a processor that fails is to be taken for one that was told to stop
   */
  async run(process: () => Promise<unknown>, isRefusing: () => boolean): Promise<unknown> {
    try {
      // Of a job that is handed back, its processor is not waited for any longer.
      const result = await Promise.race([process(), this.left.promise]);
      if (!this.hasLeft) return result;
    } catch (error) {
      if (!isRefusing()) throw error;
      await this.handBack();
    }
    throw new HandedBackError();
  }

  /** Reports whether it is being given back to its queue, or has been. */
  get isHandedBack(): boolean {
    return this.hasLeft;
  }

  /** Gives it back before its processor has been called. */
  async decline(): Promise<never> {
    await this.handBack();
    throw new HandedBackError();
  }

  /**
   * Gives the job back to its queue, where it comes first. Whatever its processor does from here on is not written.
   *
   * @returns whether the queue has taken it; where not, it is run again when its lock has expired
   */
  handBack(): Promise<boolean> {
    return (this.giving ??= this.give());
  }

  leftover(fate: JobFate): Leftover {
    const { queue, job, startedAt, clock } = this;
    const ageMs = Math.round(clock.now() - startedAt);
    return { kind: 'job', name: `${queue}:${job.name}`, ageMs, detail: detailOf(fate) };
  }

  private async give(): Promise<boolean> {
    const { job, token } = this;
    this.hasLeft = true;
    try {
      // Of the two the former keeps the place in the queue.
      if (job.moveToWait) await job.moveToWait(token);
      else if (job.moveToDelayed) await job.moveToDelayed(Date.now(), token);
      else return false;
      return true;
    } catch {
      return false;
    } finally {
      this.left.resolve();
    }
  }
}
