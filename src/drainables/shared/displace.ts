import { type EventEmitter } from 'node:events';

export type Listener = (...args: unknown[]) => void;

/** Takes the listeners of `event` off the server, all but `ours`, and returns them. */
export function displace(server: EventEmitter, event: string, ours?: unknown): Listener[] {
  const theirs = (server.listeners(event) as Listener[]).filter((listener) => listener !== ours);
  for (const listener of theirs) server.off(event, listener);
  return theirs;
}
