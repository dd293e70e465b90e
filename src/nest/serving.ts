import { type Clock, type ClockTimer } from '../sequence/clock.js';

/** Where other servers listen, Nest's own gets this long to listen as well, ms. */
const ownListensMs = 1_000;

/**
 * Finds out when an application with an HTTP server serves, and tells so once: when that server listens. It may never
 * be meant to, for others do in its place: servers that have been attached, or the transports of a hybrid application.
 * They may also have begun long before it, and so they count a moment after the application has started.
 */
export class Serving {
  private isServing = false;
  private hasStarted = false;
  private doOthersListen = false;
  private timer?: ClockTimer;

  constructor(
    private readonly clock: Clock,
    private readonly serves: () => void,
  ) {}

  /** Nest's own server listens, or is not waited for any longer. */
  begin(): void {
    this.timer?.cancel();
    if (this.isServing) return;
    this.isServing = true;
    this.serves();
  }

  /** The application has run its last bootstrap hook. */
  started(): void {
    this.hasStarted = true;
    this.look();
  }

  /** Another server listens. */
  otherListens(): void {
    this.doOthersListen = true;
    this.look();
  }

  private look(): void {
    if (!this.hasStarted || !this.doOthersListen || this.isServing || this.timer) return;
    this.timer = this.clock.after(ownListensMs, () => this.begin());
    this.timer.unref?.();
  }
}
