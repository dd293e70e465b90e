import { overlay } from '../../shared/overlay.js';
import { type BullWorker } from './worker.js';

type Resume = (...args: unknown[]) => unknown;
type Delay = (ms?: number, controller?: AbortController | null, ...rest: unknown[]) => Promise<unknown>;

/** How long a worker that drains waits before it goes on, ms. */
const shortMs = 100;

/**
 * What a worker does between its jobs: it waits for a rate limit, and before it asks a Redis again that has failed.
 * Both take up to half a minute, and `pause()` does not end before them. Whoever resumes it while it drains, a circuit
 * breaker for example, would have it fetch jobs that are given back, time and again.
 */
export class BullWorkerLoop {
  private readonly aborts = new Set<() => void>();
  private isStopped = false;

  constructor(private readonly worker: BullWorker) {
    overlay<Delay>(worker, 'delay', (original) => async (ms, controller, ...rest) => {
      const ending = controller ?? new AbortController();
      const abort = () => ending.abort();
      this.aborts.add(abort);
      try {
        return await original.call(worker, this.isStopped ? Math.min(ms || shortMs, shortMs) : ms, ending, ...rest);
      } finally {
        this.aborts.delete(abort);
      }
    });
    overlay<Resume>(worker, 'resume', (original) => (...args) => {
      const resume = () => original.apply(worker, args);
      return this.isStopped ? this.resumeToClose(resume) : resume();
    });
  }

  /** From here on the worker waits for nothing but its jobs. It has been paused. */
  stop(): void {
    this.isStopped = true;
    for (const abort of this.aborts) abort();
    // Of a wait that had begun before the worker was met.
    this.worker.abortDelayController?.abort();
  }

  /** A worker of older versions (5.34, for example) that closes resumes itself, in the turn in which it says so. */
  private async resumeToClose(resume: () => unknown): Promise<void> {
    await Promise.resolve();
    if (this.worker.closing) await resume();
  }
}
