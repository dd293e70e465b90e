import { Server as NetServer } from 'node:net';
import { type Clock } from '../../sequence/clock.js';
import { backlogIsEmpty } from './turns.js';

/** Stops listening, once the accept backlog is empty or at the deadline. Connections stay. */
export async function closeListener(server: NetServer, clock: Clock, deadline?: AbortSignal): Promise<void> {
  if (!server.listening) return;
  await backlogIsEmpty(server, clock, deadline);
  cutListener(server);
}

/** Stops listening at once: the listener alone, for the `close()` of HTTP servers closes connections too. */
export function cutListener(server: NetServer): void {
  if (server.listening) NetServer.prototype.close.call(server);
}
