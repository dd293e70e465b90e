/** A job of BullMQ, as far as it is met here. */
export interface BullJob {
  readonly id?: string;
  readonly name: string;
  /** Since bullmq 5. */
  moveToWait?(token: string): Promise<unknown>;
  moveToDelayed?(timestamp: number, token: string): Promise<unknown>;
}

/**
 * A worker of BullMQ, as far as it is met here. Those members that may be missing are not public: without them jobs
 * are waited for all the same, and neither counted nor handed back.
 */
export interface BullWorker {
  /** The name of its queue. */
  readonly name: string;
  /** Stops fetching, and resolves when its jobs have ended. Their locks are renewed meanwhile. */
  pause(doNotWaitActive?: boolean): Promise<void>;
  /** Fetches again once it has been paused. */
  resume?(): unknown;
  close(force?: boolean): Promise<void>;
  /** Ends its connections at once. */
  disconnect?(): unknown;
  /** Is there once it has been told to close. */
  readonly closing?: Promise<void>;
  /** Aborts the signal that a processor takes as its third parameter. Since bullmq 5.62. */
  cancelAllJobs?(reason?: string): void;
  /** Ends the wait for a rate limit. Since bullmq 4. */
  readonly abortDelayController?: { abort(): void } | null;
  /** Waits, unless it is aborted, which is since bullmq 4. */
  delay?(ms?: number, controller?: AbortController | null): Promise<unknown>;
  /** Processes a job, and writes what became of it. */
  processJob?(job: BullJob, token: string, ...rest: unknown[]): Promise<unknown>;
  /** Calls the processor. */
  callProcessJob?(job: BullJob, token: string, ...rest: unknown[]): Promise<unknown>;
  /** Holds the locks. Since bullmq 5.62. */
  readonly lockManager?: { readonly trackedJobs?: ReadonlyMap<string, { readonly token: string }> };
  readonly Job?: { fromId?(queue: unknown, id: string): Promise<BullJob | undefined> };
  /** The processes, or threads, of a sandboxed processor. */
  readonly childPool?: { readonly retained?: Readonly<Record<string, BullChild | undefined>> };
}

/** A process, or a thread, in which a sandboxed processor runs. */
export interface BullChild {
  kill?(signal: string): Promise<unknown>;
}

/** Reports whether `value` is a worker of BullMQ, or of BullMQ Pro, by what it can do. */
export function isBullWorker(value: unknown): value is BullWorker {
  if (typeof value !== 'object' || value === null) return false;
  const { name, pause, close, isPaused, isRunning } = value as Record<string, unknown>;
  return typeof name === 'string' && [pause, close, isPaused, isRunning].every((each) => typeof each === 'function');
}
