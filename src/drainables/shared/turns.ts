import { type EventEmitter } from 'node:events';
import { type Clock } from '../../sequence/clock.js';
import { setImmediate } from '../../sequence/timers.js';

/** What the kernel has taken in since a poll is small for this long, ms. */
export const freshMs = 1;
/** A loop whose every turn takes long is not waited for any longer. */
const pollsMax = 20;

/**
 * Calls `act` when the event loop has polled a moment ago: whoever closes a connection because nothing has come in on
 * it must have looked just before. A turn may take long (cold code, a busy machine), and what arrives meanwhile has not
 * been read: then another turn passes.
 *
 * @param act is given an instant that the poll came after
 */
export function afterFreshPoll(clock: Clock, act: (polledAfter: number) => void): void {
  let turnBeganAt = clock.now();
  let polls = 0;
  const look = () => {
    const now = clock.now();
    if (now - turnBeganAt <= freshMs || ++polls === pollsMax) return act(turnBeganAt);
    turnBeganAt = now;
    setImmediate(look);
  };
  setImmediate(look);
}

const quietTurns = 3;

/**
 * Calls `act` once the accept backlog is empty: libuv accepts one connection a loop turn, so closing a listener at once
 * resets those that wait. Turns pass until three in a row accept nothing, and the last of them was short: what has
 * arrived in the course of a long one waits. Between the last look and `act` nothing else runs, not even a promise.
 * Resolves when it has been called; a deadline that aborts has it called with the next turn.
 */
export function onceBacklogIsEmpty(
  server: EventEmitter,
  clock: Clock,
  act: () => void,
  deadline?: AbortSignal,
): Promise<void> {
  let hasAccepted = false;
  const accept = () => (hasAccepted = true);
  server.on('connection', accept);
  let quiet = 0;
  let longTurns = 0;
  let turnBeganAt = clock.now();
  return new Promise((resolve) => {
    const look = () => {
      quiet = hasAccepted ? 0 : quiet + 1;
      hasAccepted = false;
      const now = clock.now();
      const isFresh = now - turnBeganAt <= freshMs;
      if (deadline?.aborted || (quiet >= quietTurns && (isFresh || ++longTurns === pollsMax))) {
        act();
        server.off('connection', accept);
        return resolve();
      }
      turnBeganAt = now;
      setImmediate(look);
    };
    setImmediate(look);
  });
}
