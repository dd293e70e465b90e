import { overlay } from '../../shared/overlay.js';
import { type TransportServer } from './transport.js';

/**
 * Calls `reached` each time when a server listens, or has reached its broker: Nest calls back then, without an error,
 * what `listen()` was given.
 */
export function whenReached(server: TransportServer, reached: () => void): void {
  overlay<NonNullable<TransportServer['listen']>>(server, 'listen', (original) => (called, ...rest) => {
    const heard = (...args: unknown[]): unknown => {
      if (!args[0]) reached();
      return called(...args);
    };
    return original.call(server, heard, ...rest);
  });
}

/**
 * Finds out whether the broker of a server has ever been reached.
 *
 * @returns reports it. Without a connection nothing has been taken, nor written
 */
export function watchFirstConnection(server: TransportServer): () => boolean {
  let isReached = false;
  whenReached(server, () => (isReached = true));
  return () => isReached;
}
