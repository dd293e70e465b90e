import { type Clock, delay } from '../sequence/clock.js';
import { type Worker } from './worker.js';

/** Waits until a worker is ready. Resolves with why it is not, if it has ended or has had its time. Never rejects. */
export async function whyNotReady(worker: Worker, clock: Clock, withinMs: number): Promise<string | undefined> {
  const over = new AbortController();
  const why = await Promise.race([
    worker.ready.then(() => undefined),
    worker.gone.then((how) => `it ended (${how}) before it was ready; ${worker.standing}`),
    delay(clock, withinMs, over.signal).then(() => `it is not ready after ${withinMs} ms: ${worker.standing}`),
  ]);
  over.abort();
  return why;
}

/** Waits whether a worker ends within its probation. Resolves with how it did. Never rejects. */
export async function whyNotProved(worker: Worker, clock: Clock, probationMs: number): Promise<string | undefined> {
  const over = new AbortController();
  const why = await Promise.race([
    worker.gone.then((how) => `it ended (${how}) within ${probationMs} ms of being ready`),
    delay(clock, probationMs, over.signal).then(() => undefined),
  ]);
  over.abort();
  return why;
}

/** Waits for `trial`, and no longer than until `signal` aborts; then it resolves with `otherwise`. */
export function unlessAborted<T, U = undefined>(signal: AbortSignal, trial: Promise<T>, otherwise?: U): Promise<T | U> {
  return new Promise((resolve) => {
    const stop = () => resolve(otherwise as U);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    void trial.then((result) => {
      signal.removeEventListener('abort', stop);
      resolve(result);
    });
  });
}
