/**
 * What the drill was asked for cannot be done. The message is one line, and says what to change.
 *
 * @publicApi
 */
export class BadInputError extends Error {
  /** Always `BadInputError`. */
  override readonly name = 'BadInputError';
}
