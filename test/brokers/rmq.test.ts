import { expect, it } from '@jest/globals';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';
import { flawsOf, rollOnce, type RollSetup } from '../support/message-load.js';

const slow = { rate: 50, handlerMs: 500 };
const fast = { rate: 420, handlerMs: 30 };
const cells: readonly (readonly [string, Partial<RollSetup>])[] = [
  ['a microservice that gets SIGTERM, 50 messages a second of 500 ms', { ...slow }],
  ['a microservice that is closed, 420 messages a second of 30 ms', { ...fast, end: 'close' }],
  ['a hybrid application that gets SIGTERM, 420 messages a second of 30 ms', { ...fast, kind: 'hybrid' }],
  ['a hybrid application that is closed, 50 messages a second of 500 ms', { ...slow, kind: 'hybrid', end: 'close' }],
];

describeWithBrokers('rabbitmq', 'RabbitMQ', () => {
  for (const noAck of [true, false]) {
    it.each(cells)(`loses and doubles nothing with noAck: ${noAck}: %s`, async (_, setup) => {
      const { url } = await sharedBroker('rabbitmq');
      const result = await rollOnce({ transport: 'rmq', url, noAck, ...setup });
      expect(flawsOf(result)).toEqual({});
      expect(result.report).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
      expect(result.exitAfterLastHandlerMs).toBeLessThan(150);
    });
  }
});
