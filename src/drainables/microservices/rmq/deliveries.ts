import { Progress } from '../../shared/progress.js';

/** What the broker has delivered to one server, over all of its channels. */
export class Deliveries {
  readonly progress = new Progress();
  /** No further ones are taken. */
  isStopping = false;
  /** How many have not been acknowledged, of those that are to be. */
  unacknowledged = 0;
  /** How many were not acknowledged when the connection was lost while draining. */
  lost = 0;

  acknowledged(count: number): void {
    this.unacknowledged -= count;
    this.progress.made();
  }
}
