import { expect, it } from '@jest/globals';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';
import { flawsOf, rollOnce } from '../support/message-load.js';
import { exitMs, expectOnlyTheBrokerFailed, midDrainMs, rollOver, rolls, setupOf } from './support/rolls.js';

const transport = 'nats';

describeWithBrokers('nats', 'NATS with a queue', () => {
  it.each(rolls)('loses nothing at $load: $kind, $end', async (row) => {
    const result = await rollOnce({ transport, url: (await sharedBroker('nats')).url, ...setupOf(row) });
    expect(flawsOf(result)).toEqual({});
    expect(result.report?.clean).toBe(true);
    expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
  });

  it('does not wait out the grace period that Nest has for it, and says so at bootstrap', async () => {
    const server = { gracefulShutdown: true, gracePeriod: 10_000 };
    const result = await rollOnce({ transport, url: (await sharedBroker('nats')).url, server });
    expect(flawsOf(result)).toEqual({});
    expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
    expect(result.output).toContain('gracefulShutdown');
  });
});

describeWithBrokers('nats', 'NATS that fails while draining', () => {
  it('is not subscribed to again over the next connection when the first is lost, and the report says so', async () => {
    const result = await rollOver(await sharedBroker('nats'), { transport }, (wire) => wire.dropConnections(), {
      afterMs: midDrainMs,
    });
    expectOnlyTheBrokerFailed(result, 'NATS');
    expect(result.report).toMatchObject({ outcome: 'drained' });
  });

  it('is not waited for when it is down, and the report says so', async () => {
    const result = await rollOver(await sharedBroker('nats'), { transport }, (wire) => wire.goDown());
    expectOnlyTheBrokerFailed(result, 'NATS');
  });

  it('is waited for until the deadline when it confirms nothing, and the report says so', async () => {
    const result = await rollOver(await sharedBroker('nats'), { transport }, (wire) => wire.goSilent());
    expectOnlyTheBrokerFailed(result, 'NATS');
    expect(result.report).toMatchObject({ outcome: 'timed-out' });
  });
});
