/** What the drill was asked for cannot be done. The message is one line, and says what to change. */
export class BadInputError extends Error {
  override readonly name = 'BadInputError';
}
