import { type ChildProcess } from 'node:child_process';
import { type Clock } from '../sequence/clock.js';
import { followHandles } from './insides.js';
import { type FromSupervisor } from './protocol.js';

/** A worker that had no descriptor left may have one after this time, ms. */
const lackMs = 100;

/** The way to a worker. */
export class WorkerChannel {
  /** For each handle that is on its way: what is done when it does not arrive. */
  private readonly sent: (() => void)[] = [];

  constructor(
    private readonly child: ChildProcess,
    clock: Clock,
  ) {
    followHandles(child, (hasArrived) => {
      const lost = this.sent.shift();
      if (!hasArrived && lost) clock.after(lackMs, lost);
    });
  }

  /** @param lost is called a while after `handle` could not be received, and the message with it */
  tell(message: FromSupervisor, handle?: unknown, lost?: () => void): void {
    // It is about to end otherwise, and then all that it was offered goes to others.
    if (!this.child.connected) return;
    this.child.send({ nestjsDrain: message }, handle as never, {}, (error) => {
      if (lost && !error) this.sent.push(lost);
    });
  }
}
