import { describe, expect, it } from '@jest/globals';
import { MessageWork } from '../../../../../src/drainables/microservices/shared/message-work.js';
import { TransportDrainable } from '../../../../../src/drainables/microservices/shared/transport-drainable.js';
import { type Transport } from '../../../../../src/drainables/microservices/shared/transport.js';
import { InFlightTracker } from '../../../../../src/in-flight/in-flight-tracker.js';
import { FakeClock } from '../../../../support/fake-clock.js';

function drainableOf(transport: Partial<Transport>): TransportDrainable {
  const clock = new FakeClock();
  const work = new MessageWork(clock, new InFlightTracker(clock));
  return new TransportDrainable({ name: 'Queue', stopTaking: () => Promise.resolve(), ...transport }, work);
}

describe('A transport that has drained', () => {
  const left = { kind: 'transport', name: 'Queue', ageMs: 0, detail: '2 messages handed back' };

  it('names what it has drained without', async () => {
    expect(await drainableOf({ leftovers: () => [left] }).drain(new AbortController().signal)).toEqual([left]);
    expect(await drainableOf({}).drain(new AbortController().signal)).toEqual([]);
  });

  it('names it when it is cut where the deadline has passed', async () => {
    const drainable = drainableOf({ leftovers: () => [left], cut: () => [left] });
    expect(await drainable.drain(AbortSignal.abort())).toEqual([]);
    expect(await drainable.forceClose()).toContainEqual(left);
  });
});
