import { runUntilSettled } from '../../../in-flight/run-until-settled.js';
import { Progress } from '../../shared/progress.js';

/** What the broker has delivered to one server, over all of its channels. */
export class Deliveries {
  readonly progress = new Progress();
  /** No further ones are taken. */
  isStopping = false;
  /** How many Nest has been given and is not through with. */
  handling = 0;
  /** How many have not been acknowledged, of those that are to be. */
  unacknowledged = 0;
  /** How many were not acknowledged when the connection was lost while draining. */
  lost = 0;

  /** Hands a message to Nest, and counts it until Nest is through with it: parsed, and its handler called and ended. */
  handle(run: () => unknown): unknown {
    this.handling++;
    return runUntilSettled(run, this.handled);
  }

  acknowledged(count: number): void {
    this.unacknowledged -= count;
    this.progress.made();
  }

  private readonly handled = (): void => {
    this.handling--;
    this.progress.made();
  };
}
