/**
 * Runs `run`, and calls `end` when it has ended: when the promise that it returns settles, and otherwise at once, an
 * error included.
 *
 * What is handed on behaves as it would without: a rejection that nobody handles stays unhandled, for it is handed on
 * with the promise that is returned in the place of the first. `then` is called on promises alone. Other things that
 * have one (a query that is sent when somebody waits for it) are handed on as they are, and end at once.
 *
 * @returns what `run` returns, or, of a promise, one that settles alike
 */
export function runUntilSettled<T>(run: () => T, end: () => void): T {
  let result: T;
  try {
    result = run();
  } catch (error) {
    end();
    throw error;
  }
  if (isPromise(result)) return endWith(result, end) as T;
  end();
  return result;
}

/** Calls `end` when `promise` has settled. Returns one that settles alike: a rejection of it is nobody's yet. */
export function endWith<T>(promise: Promise<T>, end: () => void): Promise<T> {
  return promise.then(
    (value) => {
      end();
      return value;
    },
    (error: unknown) => {
      end();
      throw error;
    },
  );
}

/** A promise of what can be waited for in some other way, which is asked once. Anything else is handed on as it is. */
export function promiseOf<T>(result: T): T | Promise<Awaited<T>> {
  if (isPromise(result) || !isThenable(result)) return result;
  return Promise.resolve(result);
}

/** Reports whether waiting for `value` has no effect: it is a promise, whose `then` nobody has overridden. */
export function isPromise(value: unknown): value is Promise<unknown> {
  // Read at each call: instrumentation may have replaced it for all promises.
  return value instanceof Promise && value.then === Promise.prototype.then;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
