/**
 * What `expect.extend(drainMatchers)` adds to `expect()`. It is known to `@types/jest` and Vitest (which share
 * `jest.Matchers`) and to `@jest/globals`, none of which has to be installed.
 *
 * @publicApi
 */
export interface DrainMatchers<R> {
  /** No request failed, the application served some, everything was drained and nothing was left over. */
  toLoseNothing(): R;
  /** All work in flight ended, by itself, within this many ms of the refusal of new work. */
  toDrainWithin(ms: number): R;
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace jest {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars
    interface Matchers<R, T> extends DrainMatchers<R> {}
  }
}

// Where Jest is not installed there is nothing to augment.
// eslint-disable-next-line @typescript-eslint/ban-ts-comment
/** @ts-ignore */
declare module 'expect' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface Matchers<R extends void | Promise<void>> extends DrainMatchers<R> {}
}
