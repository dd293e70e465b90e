import { DrainError } from '../../../sequence/errors.js';

/** With what a drain fails when nobody can tell whether what was written to the broker has arrived. */
export function connectionLost(transport: string): DrainError {
  return new DrainError(
    'DRAIN_CONNECTION_LOST',
    `Expected the connection to the ${transport} broker to stay until the drain was over, got none, or another one: ` +
      'replies written just before may not have arrived. Callers have to repeat what was not answered.',
  );
}
