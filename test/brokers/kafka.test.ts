import { expect, it } from '@jest/globals';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';
import { flawsOf, rollOnce, type RollSetup } from '../support/message-load.js';
import { exitMs, kafkaLoad } from './support/rolls.js';

const cells: readonly (readonly [string, Partial<RollSetup>])[] = [
  ['a microservice that gets SIGTERM', {}],
  ['a microservice that is closed', { end: 'close' }],
  ['a hybrid application that gets SIGTERM', { kind: 'hybrid' }],
  ['a hybrid application that is closed', { kind: 'hybrid', end: 'close' }],
  // The values of a stream are sent while the next message runs already: what it commits at its end may be older.
  [
    'handlers that commit',
    { server: { run: { partitionsConsumedConcurrently: 4, autoCommit: false } }, shares: { rpc: 2, event: 2 } },
  ],
];

// The mock of Kafka refuses a second member of a group: one replica follows the other.
describeWithBrokers('kafka', 'Kafka', () => {
  it.each(cells)('loses and doubles nothing, and no handler runs past its providers: %s', async (_, setup) => {
    const { url } = await sharedBroker('kafka');
    const result = await rollOnce({ transport: 'kafka', url, ...kafkaLoad, ...setup });
    expect(flawsOf(result)).toEqual({});
    expect(result.report).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
  });

  it('loses or doubles without the module', async () => {
    const { url } = await sharedBroker('kafka');
    const setup: RollSetup = { transport: 'kafka', url, ...kafkaLoad, handlerMs: 300, drain: false };
    expect(flawsOf(await rollOnce(setup))).not.toEqual({});
  });
});
