import { expect, it } from '@jest/globals';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';
import { flawsOf, rollOnce } from '../support/message-load.js';
import { exitMs, rolls, setupOf } from './support/rolls.js';

const transport = 'custom';

describeWithBrokers('redis', 'A custom transport strategy', () => {
  it.each(rolls)('loses nothing with stopConsuming() and flush() at $load: $kind, $end', async (row) => {
    const result = await rollOnce({ transport, url: (await sharedBroker('redis')).url, ...setupOf(row) });
    expect(flawsOf(result)).toEqual({});
    expect(result.report?.clean).toBe(true);
    expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
    expect(result.output).not.toContain('stopConsuming');
  });

  it('goes on taking messages without stopConsuming(), and a warning says so', async () => {
    const { url } = await sharedBroker('redis');
    const result = await rollOnce({ transport, url, server: { stops: false } });
    expect(result.startedLate).toBeGreaterThan(1);
    expect(result.output).toContain('ListStrategy: expected a method stopConsuming()');
  });

  it('loses messages without the module', async () => {
    const result = await rollOnce({ transport, url: (await sharedBroker('redis')).url, drain: false });
    expect(flawsOf(result)).not.toEqual({});
  });
});
