import { type Clock, settledWithin } from '../../../sequence/clock.js';

/** How long a connection is given to close once everything has been written, ms. A broker answers in one round trip. */
const closeMs = 500;
/** The same where the drain deadline has passed: what has not been answered until then is not worth much more. */
const lateCloseMs = 100;

/**
 * Closes a connection whose other side may be gone: the end of the process does not wait for it any longer than it
 * takes a broker that is there.
 *
 * @param wasCut whether the drain has been cut
 * @param abandon lets go of what has not closed in time
 */
export async function closeWithin(
  clock: Clock,
  wasCut: boolean,
  close: () => unknown,
  abandon: () => unknown,
): Promise<void> {
  const closed = Promise.resolve(close());
  if (await settledWithin(clock, closed, wasCut ? lateCloseMs : closeMs)) await closed;
  else await abandon();
}
