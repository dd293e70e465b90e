import { type EventEmitter } from 'node:events';
import { type Clock } from '../../sequence/clock.js';
import { setImmediate } from '../../sequence/timers.js';

/** Resolves after the event loop has polled once: what the kernel already holds has been read by then. */
export function nextPoll(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What the kernel has taken in since a poll is small for this long, ms. */
export const freshMs = 1;
/** A loop whose every turn takes long is not waited for any longer. */
const pollsMax = 20;

/**
 * Calls `act` when the event loop has polled a moment ago: whoever closes a connection because nothing has come in on
 * it must have looked just before. A turn may take long (cold code, a busy machine), and what arrives meanwhile has not
 * been read: then another turn passes.
 */
export function afterFreshPoll(clock: Clock, act: () => void): void {
  let turnBeganAt = clock.now();
  let polls = 0;
  const look = () => {
    const now = clock.now();
    if (now - turnBeganAt <= freshMs || ++polls === pollsMax) return act();
    turnBeganAt = now;
    setImmediate(look);
  };
  setImmediate(look);
}

const quietTurns = 3;

/**
 * Resolves once the accept backlog is empty: libuv accepts one connection a loop turn, so closing a listener at once
 * resets those that wait. Turns pass until three in a row accept nothing, and the last of them was short: what has
 * arrived in the course of a long one waits.
 */
export async function backlogIsEmpty(server: EventEmitter, clock: Clock, deadline?: AbortSignal): Promise<void> {
  let accepted = 0;
  const count = () => accepted++;
  server.on('connection', count);
  let longTurns = 0;
  for (let quiet = 0; quiet < quietTurns && !deadline?.aborted; quiet++) {
    const before = accepted;
    const turnBeganAt = clock.now();
    await nextPoll();
    if (accepted !== before) quiet = -1;
    else if (quiet === quietTurns - 1 && clock.now() - turnBeganAt > freshMs && ++longTurns < pollsMax) quiet--;
  }
  server.off('connection', count);
}
