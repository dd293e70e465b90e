import { CountedCalls } from '../../../../src/in-flight/counted-calls.js';
import { InFlightTracker } from '../../../../src/in-flight/in-flight-tracker.js';
import { FakeClock } from '../../../support/fake-clock.js';

/** Counts on a fake clock, and tells what is in flight, in words. */
export function counting() {
  const clock = new FakeClock();
  const tracker = new InFlightTracker(clock);
  return {
    clock,
    tracker,
    calls: new CountedCalls(tracker, clock),
    inFlight: () => tracker.leftovers().map(({ kind, name }) => `${kind} ${name}`),
  };
}
