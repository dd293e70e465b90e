import { overlay } from '../../shared/overlay.js';
import { type TransportServer } from './transport.js';

type Listen = (called: (...args: unknown[]) => unknown, ...rest: unknown[]) => unknown;

/**
 * Finds out whether the broker of a server has ever been reached: Nest calls back then, without an error, what
 * `listen()` was given.
 *
 * @returns reports it. Without a connection nothing has been taken, nor written
 */
export function watchFirstConnection(server: TransportServer): () => boolean {
  let isReached = false;
  overlay<Listen>(
    server,
    'listen',
    (original) =>
      (called, ...rest) =>
        original.call(
          server,
          (...args) => {
            isReached ||= !args[0];
            return called(...args);
          },
          ...rest,
        ),
  );
  return () => isReached;
}
