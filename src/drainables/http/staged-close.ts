import { type Socket } from 'node:net';
import { type Clock } from '../../sequence/clock.js';

/** How long a socket whose peer has not closed is read on for after our FIN. */
const stagedCloseMs = 1_000;

/**
 * Sends FIN once everything is written, reads on, and destroys the socket at the peer's FIN, or after a moment. A socket that is destroyed with unread bytes
 * sends a reset, and a reset eats the answer.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 */
export function closeInStages(socket: Socket, clock: Clock): void {
  const destroy = () => socket.destroy();
  const timer = clock.after(stagedCloseMs, destroy);
  socket.once('close', () => timer.cancel());
  if (socket.readableEnded) socket.end(destroy);
  else socket.once('end', destroy).end();
  socket.resume();
}

/** Makes Node, which destroys the socket when a response that says close has been written, close it in stages. */
export function willCloseInStages(socket: Socket, clock: Clock): void {
  socket.destroySoon = () => closeInStages(socket, clock);
}
