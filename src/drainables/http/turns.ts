import { type EventEmitter } from 'node:events';
import { setImmediate } from '../../sequence/timers.js';

/** Resolves after the event loop has polled once: what the kernel already holds has been read by then. */
export function nextPoll(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const quietTurns = 3;

/**
 * Resolves once the accept backlog is empty: libuv accepts one connection a loop turn, so closing a listener at once resets those
 * that wait. Turns pass until three in a row accept nothing.
 */
export async function backlogIsEmpty(server: EventEmitter, deadline?: AbortSignal): Promise<void> {
  let accepted = 0;
  const count = () => accepted++;
  server.on('connection', count);
  for (let quiet = 0; quiet < quietTurns && !deadline?.aborted; quiet++) {
    const before = accepted;
    await nextPoll();
    if (accepted !== before) quiet = -1;
  }
  server.off('connection', count);
}
