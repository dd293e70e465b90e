import { performance } from 'node:perf_hooks';
import { clearTimeout, setImmediate, setTimeout } from './timers.js';

/** A timer that has been armed. Cancelling twice, or after it fired, is harmless. */
export interface ClockTimer {
  cancel(): void;
  /** From here on it no longer holds the process open. */
  unref?(): void;
}

/**
 * The only source of time. Instants are milliseconds of a monotonic clock with an arbitrary origin.
 *
 * @internal
 */
export interface Clock {
  /** The present instant, ms. */
  now(): number;
  /** The calendar time of now, for the report. */
  date(): Date;
  /**
   * Calls `fire` once, no earlier than `ms` from now. The timer holds the process open: an event loop that empties in
   * the middle of a clean-up would otherwise end with exit code 0.
   */
  after(ms: number, fire: () => void): ClockTimer;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  after(ms, fire) {
    const timer = setTimeout(fire, Math.max(0, ms));
    return { cancel: () => clearTimeout(timer), unref: () => timer.unref() };
  },
};

/** Resolves after `ms`, or as soon as `signal` aborts; leaves no timer and no listener behind. Never rejects. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(ms, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}

/** Resolves after the event loop has polled once: what the kernel already holds has been read by then. */
export function nextPoll(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A timer this late tells that the process has stood still, ms. */
const lateMs = 5;

/**
 * As `delay()`, but resolves when what came while the process stood still has been read: timers fire before sockets are
 * read.
 */
export async function delayAndCatchUp(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const dueAt = clock.now() + ms;
  await delay(clock, ms, signal);
  if (signal.aborted || clock.now() - dueAt < lateMs) return;
  // A connection that waits is accepted in one turn, and its request read in the next.
  for (let turn = 0; turn < 2; turn++) await nextPoll();
}

/** As `clock.after()`, but calls `fire` when the event loop has polled since, unless it is cancelled meanwhile. */
export function afterAndPoll(clock: Clock, ms: number, fire: () => void): ClockTimer {
  let isCancelled = false;
  const timer = clock.after(ms, () => setImmediate(() => isCancelled || fire()));
  return {
    cancel: () => {
      isCancelled = true;
      timer.cancel();
    },
    unref: () => timer.unref?.(),
  };
}

/**
 * Resolves when `work` settles, or at the latest after `ms`, or when `signal` aborts. Reports whether the work had
 * settled. Never rejects.
 */
export async function settledWithin(
  clock: Clock,
  work: Promise<unknown>,
  ms: number,
  signal?: AbortSignal,
): Promise<boolean> {
  let settled = false;
  const enough = new AbortController();
  const abort = () => enough.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const done = work
    .then(
      () => undefined,
      () => undefined,
    )
    .then(() => {
      settled = true;
      enough.abort();
    });
  await Promise.race([done, delayAndCatchUp(clock, Math.max(0, ms), enough.signal)]);
  enough.abort();
  signal?.removeEventListener('abort', abort);
  return settled;
}

/** Resolves when `signal` aborts, at once when it has. Never rejects. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
