import { Server as NetServer } from 'node:net';
import { type Clock } from '../../sequence/clock.js';
import { onceBacklogIsEmpty } from './turns.js';

/** Stops listening, once the accept backlog is empty or at the deadline. Connections stay. */
export async function closeListener(server: NetServer, clock: Clock, deadline?: AbortSignal): Promise<void> {
  if (!server.listening) return;
  await onceBacklogIsEmpty(server, clock, () => cutListener(server), deadline);
}

/** Stops listening at once: the listener alone, for the `close()` of HTTP servers closes connections too. */
export function cutListener(server: NetServer): void {
  if (!server.listening) return;
  NetServer.prototype.close.call(server);
  forgiveSecondClose(server);
}

/**
 * Whoever closes the server next, such as Nest or Apollo, cannot know that it does not listen any longer: Node would
 * call that an error, and Apollo's driver 13 would fail `app.close()` with it.
 */
function forgiveSecondClose(server: NetServer): void {
  const close = server.close.bind(server);
  server.close = (callback) => {
    const closed = (error?: Error): void => callback?.(isNotRunning(error) ? undefined : error);
    return close(typeof callback === 'function' ? closed : undefined);
  };
}

function isNotRunning(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ERR_SERVER_NOT_RUNNING';
}
