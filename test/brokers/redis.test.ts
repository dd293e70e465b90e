import { expect, it } from '@jest/globals';
import { type BrokerWire } from '../support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';
import { type Flaw, flawsOf, rollOnce } from '../support/message-load.js';
import { connectedForLong, exitMs, expectOnlyTheBrokerFailed, rollOver, rolls, setupOf } from './support/rolls.js';

const transport = 'redis';
/** What is published while nobody subscribes is gone: between the old replica and the new. */
const inTheGap: readonly Flaw[] = ['unanswered', 'never', 'eventsLost'];

describeWithBrokers('redis', 'Redis', () => {
  it.each(rolls)('cuts nothing at $load: $kind, $end', async (row) => {
    const { url } = await sharedBroker('redis');
    // What is lost in the gap would be waited for in vain.
    const result = await rollOnce({ transport, url, ...setupOf(row), settleMs: undefined });
    expect(flawsOf(result, inTheGap)).toEqual({});
    // Every call that was begun was answered, and every event that was begun has ended.
    expect(result.unanswered + result.eventsLost).toBe(result.never);
    expect(result.report?.clean).toBe(true);
    expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
    expect(result.output).toContain('Redis: expected a single replica');
  });
});

describeWithBrokers('redis', 'Redis that fails while draining', () => {
  const server = { retryAttempts: 10, retryDelay: 50 };

  it('is not subscribed to again over the next connection when the first is lost, and the report says so', async () => {
    const broker = await sharedBroker('redis');
    // At once, when Redis has not confirmed the end of the subscriptions: its client would subscribe again by itself.
    const lose = (wire: BrokerWire) => wire.dropConnections();
    const result = await rollOver(broker, { transport, server }, lose, { heldUntil: connectedForLong });
    expectOnlyTheBrokerFailed(result, 'Redis');
    expect(result.startedBehindFailure).toBe(0);
  });

  it('ends by the deadline when it is down, and the report says so', async () => {
    const result = await rollOver(await sharedBroker('redis'), { transport }, (wire) => wire.goDown());
    expectOnlyTheBrokerFailed(result, 'Redis');
  });

  it('is waited for until the deadline when it confirms nothing, and the report says so', async () => {
    const result = await rollOver(await sharedBroker('redis'), { transport }, (wire) => wire.goSilent());
    expectOnlyTheBrokerFailed(result, 'Redis');
    expect(result.report).toMatchObject({ outcome: 'timed-out' });
  });
});
