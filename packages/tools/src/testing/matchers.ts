import { inspect } from 'node:util';
import { describeRoll, hasLostNothing, type Roll } from './roll.js';

/**
 * What a matcher returns, to Jest and to Vitest.
 *
 * @publicApi
 */
export interface MatcherResult {
  /** Whether what was received is as the matcher wants it. */
  readonly pass: boolean;
  /** What a test that fails says. */
  message(): string;
}

/**
 * `toLoseNothing()` and `toDrainWithin(ms)`, for the `Roll` of `drill()`:
 *
 * ```ts
 * expect.extend(drainMatchers);
 * ```
 *
 * @publicApi
 */
export const drainMatchers = {
  /** No request failed, the application served some, everything was drained and nothing was left over. */
  toLoseNothing(received: unknown): MatcherResult {
    const roll = rollIn(received, 'toLoseNothing()');
    const pass = hasLostNothing(roll);
    return {
      pass,
      message: () =>
        'Expected the roll ' +
        `${pass ? 'to lose something, it lost nothing' : 'to lose nothing'}.\n\n${describeRoll(roll)}`,
    };
  },

  /** All work in flight ended, by itself, within this many ms of the refusal of new work. */
  toDrainWithin(received: unknown, ms: number): MatcherResult {
    const roll = rollIn(received, 'toDrainWithin()');
    const pass = roll.shutdown.outcome === 'drained' && roll.drainMs <= ms;
    return {
      pass,
      message: () =>
        `Expected the roll ${pass ? 'not ' : ''}to drain within ${ms} ms: ${roll.shutdown.outcome} ` +
        `after ${roll.drainMs} ms.\n\n${describeRoll(roll)}`,
    };
  },
};

function rollIn(received: unknown, matcher: string): Roll {
  if (typeof received === 'object' && received !== null && 'shutdown' in received && 'failures' in received) {
    return received as Roll;
  }
  const isPromise = typeof (received as PromiseLike<unknown> | undefined)?.then === 'function';
  throw new TypeError(
    `${matcher} expects the Roll of drill(), got ` +
      `${isPromise ? 'a promise: await it' : inspect(received, { depth: 0 })}.`,
  );
}
