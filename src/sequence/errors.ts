import { described } from './described.js';

/**
 * Every error that this package raises carries one of these; messages may be reworded, codes stay.
 *
 * - `DRAIN_INVALID_OPTION`: an option of the module, or of a hook, makes no sense
 * - `DRAIN_INVALID_ARGUMENT`: a method was given something that it cannot work with
 * - `DRAIN_DUPLICATE_MODULE`: the module is imported more than once with options of its own
 * - `DRAIN_DUPLICATE_PACKAGE`: two copies of this package are loaded
 * - `DRAIN_MISPLACED_DECORATOR`: a decorator stands where it has no effect
 * - `DRAIN_LISTEN_AFTER_SHUTDOWN`: `listen()` was called once a shutdown had begun
 * - `DRAIN_TOO_LATE`: something was begun or registered when nobody waits for it any longer
 * - `DRAIN_CONNECTION_LOST`: the connection to a broker was lost while draining
 * - `DRAIN_REHEARSAL_NOT_ALLOWED`: `rehearse()` was called without the option `allowRehearsal`
 * - `DRAIN_REHEARSAL_RUNNING`: `rehearse()` was called while a rehearsal ran
 *
 * @publicApi
 */
export type DrainErrorCode =
  | 'DRAIN_INVALID_OPTION'
  | 'DRAIN_DUPLICATE_MODULE'
  | 'DRAIN_DUPLICATE_PACKAGE'
  | 'DRAIN_MISPLACED_DECORATOR'
  | 'DRAIN_INVALID_ARGUMENT'
  | 'DRAIN_LISTEN_AFTER_SHUTDOWN'
  | 'DRAIN_TOO_LATE'
  | 'DRAIN_CONNECTION_LOST'
  | 'DRAIN_REHEARSAL_NOT_ALLOWED'
  | 'DRAIN_REHEARSAL_RUNNING';

/**
 * A mistake in how the package is used. Its message says what was expected, what came, and what to do.
 *
 * @publicApi
 */
export class DrainError extends Error {
  /** Tells it from other errors where `instanceof` does not work. */
  override readonly name = 'DrainError';

  constructor(
    /** What kind of mistake it is. It stays the same when the message is reworded. */
    readonly code: DrainErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** The message of anything that can be thrown. Never throws, whatever that is. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'an error without a message';
  }
}

/** An error that says what a method was given instead of what it needs, and what to do. */
export function notThat(method: string, expected: string, got: unknown, todo: string): DrainError {
  return new DrainError(
    'DRAIN_INVALID_ARGUMENT',
    `Expected ${method} to be given ${expected}, got ${described(got)}. ${todo}.`,
  );
}
