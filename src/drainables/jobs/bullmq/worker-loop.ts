import { overlay } from '../../shared/overlay.js';
import { type BullWorker } from './worker.js';

type Delay = (ms?: number, controller?: AbortController | null, ...rest: unknown[]) => Promise<unknown>;

/** How long a worker that drains waits before it goes on, ms. */
const shortMs = 100;

/**
 * What a worker does between its jobs: it waits for a rate limit, and before it asks a Redis again that has failed.
 * Both take up to half a minute, and `pause()` does not end before them.
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
  }

  /** From here on the worker waits for nothing but its jobs. It has been paused. */
  stop(): void {
    this.isStopped = true;
    for (const abort of this.aborts) abort();
    // Of a wait that had begun before the worker was met.
    this.worker.abortDelayController?.abort();
  }
}
