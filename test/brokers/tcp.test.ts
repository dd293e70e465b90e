import { expect, it } from '@jest/globals';
import { describeWithBrokers } from '../support/describe-with-brokers.js';
import { flawsOf, rollOnce, type RollSetup } from '../support/message-load.js';
import { exitMs, rolls, setupOf } from './support/rolls.js';

const transport = 'tcp';
/** What a call that was not executed meets: the answer to it, or the end of its connection that it has crossed. */
const refusals = ['The server is shutting down', 'Connection closed'];

describeWithBrokers([], 'TCP with retryWhenDraining()', () => {
  it.each(rolls)('fails no call at $load: $kind, $end', async (row) => {
    const result = await rollOnce({ transport, retry: true, ...setupOf(row) });
    expect(flawsOf(result)).toEqual({});
    // An event that its client writes after the end of the connection is one that nobody can save.
    expect(result.eventsLost).toBeLessThanOrEqual(1);
    expect(result.never).toBe(result.eventsLost);
    expect(result.report?.clean).toBe(true);
    expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
    expect(result.awakeMs).toBeLessThan(2 * row.handlerMs + exitMs);
  });
});

describeWithBrokers([], 'TCP with a client that does not send again', () => {
  it.each(rolls)('cuts nothing, and executes nothing that fails, at $load: $kind, $end', async (row) => {
    // The drain is over when a call has been refused, and not before, however late its client is.
    const heldUntil: RollSetup['heldUntil'] = ({ fails }) => fails();
    const result = await rollOnce({ transport, ...setupOf(row), heldUntil });
    expect(flawsOf(result, ['failed', 'never'])).toEqual({});
    expect(refusals).toEqual(expect.arrayContaining(Object.keys(result.errors)));
    expect(result.errors['The server is shutting down']).toBeGreaterThan(0);
    expect(result.eventsLost).toBeLessThanOrEqual(1);
    expect(result.never).toBe(result.failed + result.eventsLost);
    expect(result.report?.clean).toBe(true);
    expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
  });
});
