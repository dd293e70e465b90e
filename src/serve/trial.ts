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

/**
 * Waits whether a worker ends on probation. That lasts until it is heard of once more, for one that hangs lives as well:
 * it is killed when it has been silent for the limit. Resolves with how it ended, if it did. Never rejects.
 */
export async function whyNotProved(worker: Worker, clock: Clock, probationMs: number): Promise<string | undefined> {
  if (probationMs === 0) return undefined;
  const over = new AbortController();
  const why = await Promise.race([
    worker.gone.then((how) => `it ended (${how}) on its probation of ${probationMs} ms`),
    delay(clock, probationMs, over.signal)
      .then(() => worker.heard())
      .then(() => undefined),
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
