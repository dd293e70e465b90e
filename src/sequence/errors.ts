/**
 * Every error this package raises carries one of these; messages may be reworded, codes stay.
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
  | 'DRAIN_REHEARSAL_NOT_ALLOWED'
  | 'DRAIN_REHEARSAL_RUNNING';

/**
 * A mistake in how the package is used. Its message says what was expected, what came, and what to do.
 *
 * @publicApi
 */
export class DrainError extends Error {
  override readonly name = 'DrainError';

  constructor(
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
