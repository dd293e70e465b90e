/**
 * Calls `run`, and calls `end` when that has ended. If `run` returns a promise, of whatever kind, it has ended when
 * the promise settles. Otherwise it has ended when it returns or throws.
 *
 * @returns what `run` returns
 */
export function runUntilSettled<T>(run: () => T, end: () => void): T {
  let result: T;
  try {
    result = run();
  } catch (error) {
    end();
    throw error;
  }
  if (isThenable(result)) result.then(end, end);
  else end();
  return result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
