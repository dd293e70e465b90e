import { Server as NetServer } from 'node:net';
import { type Clock } from '../../sequence/clock.js';
import { onceBacklogIsEmpty } from './turns.js';

/** Acts once the server listens: at once, where it does. */
export function whenListening(server: NetServer, act: () => void): void {
  if (server.listening) act();
  else server.once('listening', act);
}

/** Stops listening, once the accept backlog is empty or at the deadline. Connections stay. */
export async function closeListener(server: NetServer, clock: Clock, deadline?: AbortSignal): Promise<void> {
  if (!server.listening) return;
  await onceBacklogIsEmpty(server, clock, () => cutListener(server), deadline);
}

/** What a worker has been sent by then, and not heard of, is small, ms. */
const onItsWayMs = 500;

/**
 * Makes the `close()` that `node:cluster` is about to call on the server of a worker take the listener alone: that of
 * HTTP servers cuts idle connections. Its callback, upon which `node:cluster` closes the channel to the primary
 * process, comes a moment later, for a connection that is on its way through the channel would hang for ever.
 *
 * Nothing of it is left behind that one call.
 */
export function closeListenerAlone(server: NetServer, clock: Clock): void {
  const own = Object.getOwnPropertyDescriptor(server, 'close');
  server.close = (callback) => {
    if (own) Object.defineProperty(server, 'close', own);
    else Reflect.deleteProperty(server, 'close');
    if (!server.listening) return server.close(callback);
    if (callback) server.once('close', () => void clock.after(onItsWayMs, () => callback()));
    cutListener(server);
    return server;
  };
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
