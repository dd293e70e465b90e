/**
 * Runs `run`, and calls `end` when it has ended: when the promise it returns settles, whatever kind of promise that is,
 * and otherwise at once, an error included.
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
