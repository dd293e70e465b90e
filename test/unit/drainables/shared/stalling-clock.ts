import { FakeClock } from '../../../support/fake-clock.js';

/** A clock that a test stalls: as after a turn of the event loop that took long. */
export class StallingClock extends FakeClock {
  private stalledMs = 0;

  override now(): number {
    return super.now() + this.stalledMs;
  }

  stall(ms: number): void {
    this.stalledMs += ms;
  }
}
