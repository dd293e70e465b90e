import { type Socket } from 'node:net';
import { afterAndPoll, type Clock } from '../sequence/clock.js';

/** A socket whose peer sends no more, and does not close either, is read on for this long after our FIN. */
const stagedCloseMs = 1_000;

/**
 * Sends FIN once everything is written, reads on, and destroys the socket at the peer's FIN, or when nothing more has
 * come for a moment. A socket that is destroyed with unread bytes sends a reset, and a reset eats the answer. Whoever
 * sends for ever meets the drain deadline.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 */
export function closeInStages(socket: Socket, clock: Clock): void {
  const destroy = () => socket.destroy();
  let bytesRead = socket.bytesRead;
  const look = () => {
    if (socket.bytesRead === bytesRead) return destroy();
    bytesRead = socket.bytesRead;
    timer = wait();
  };
  // Timers run before poll: what has come while this process stood still is read before it is looked for.
  const wait = () => afterAndPoll(clock, stagedCloseMs, look);
  let timer = wait();
  socket.once('close', () => timer.cancel());
  if (socket.readableEnded) socket.end(destroy);
  else socket.once('end', destroy).end();
  socket.resume();
}

/** Makes Node, which destroys the socket when a response that says close has been written, close it in stages. */
export function willCloseInStages(socket: Socket, clock: Clock): void {
  socket.destroySoon = () => closeInStages(socket, clock);
}

/** Takes `willCloseInStages` back. */
export function closeAtOnce(socket: Partial<Pick<Socket, 'destroySoon'>>): void {
  delete socket.destroySoon;
}
