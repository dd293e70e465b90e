// Taken once: fake timers of a test that drills its application do not stop the drill.
import { setImmediate, setTimeout } from 'node:timers';
import { setTimeout as delay } from 'node:timers/promises';

/** The longest delay a Node timer keeps; a longer one fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Reports whether a duration is one a timer can keep; throws a `RangeError` that names the option otherwise. */
export function checkDurationMs(name: string, value: number, atLeastMs = 0): number {
  if (Number.isFinite(value) && value >= atLeastMs && value <= longestTimerMs) return value;
  throw new RangeError(`${name} must be between ${atLeastMs} and ${longestTimerMs} ms, got ${value}.`);
}

/** Resolves after `ms`, or as soon as `signal` aborts. Never rejects. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Resolves after the event loop has polled once: what the kernel already holds has been read by then. */
export function nextPoll(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Follows a timer: resolves when what came while this process stood still has been read, for timers fire before sockets
 * are read. A connection is made in one turn, and what it brings is read in the next; so is an answer, and the FIN
 * behind it.
 */
export async function catchUp(): Promise<void> {
  await nextPoll();
  await nextPoll();
}

/** Aborts after `ms`, when what has come until then has been heard. Does not keep the process alive. */
export function overdueAfter(ms: number): AbortSignal {
  const overdue = new AbortController();
  setTimeout(() => void catchUp().then(() => overdue.abort()), ms).unref();
  return overdue.signal;
}

/** Settles as `work` does, or rejects after `ms` with a message that says what did not happen. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const settled = new AbortController();
  const overdue = sleep(ms, settled.signal).then(() => {
    throw new Error(`${what} did not happen within ${ms} ms.`);
  });
  // Once the work has settled nobody listens to the other branch.
  overdue.catch(() => undefined);
  try {
    return await Promise.race([work, overdue]);
  } finally {
    settled.abort();
  }
}
