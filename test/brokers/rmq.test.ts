import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrokerWire, wireTo } from '../support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';
import { flawsOf, rollOnce, type RollResult, type RollSetup } from '../support/message-load.js';
import { connectedForLong, exitMs, lateExitMs, patientMs } from './support/rolls.js';

const slow = { rate: 50, handlerMs: 500, settleMs: patientMs };
const fast = { rate: 420, handlerMs: 30, settleMs: patientMs };
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
      expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
    });
  }

  describe('when the broker fails in the drain', () => {
    const drainTimeoutMs = 3_000;

    async function rollWith(
      setup: Partial<RollSetup>,
      fail: (wire: BrokerWire) => unknown,
      heldUntil?: (wire: BrokerWire) => Promise<void>,
    ): Promise<RollResult> {
      const broker = await sharedBroker('rabbitmq');
      const wire = await wireTo(broker);
      try {
        return await rollOnce({
          transport: 'rmq',
          url: wire.url,
          directUrl: broker.url,
          drain: { drainTimeoutMs },
          server: { socketOptions: { reconnectTimeInSeconds: 1 } },
          inDrain: async () => {
            await sleep(50);
            await fail(wire);
          },
          heldUntil: () => heldUntil?.(wire),
          ...setup,
        });
      } finally {
        await wire.stop();
      }
    }

    const detailsOf = ({ report }: RollResult) => report?.leftovers.map(({ detail }) => detail).join('; ');

    it('sends replies on the next connection, and consumes nothing on it', async () => {
      const drain = { drainTimeoutMs: 20_000 };
      const result = await rollWith({ noAck: true, drain }, (wire) => wire.dropConnections(), connectedForLong);
      // What had come to the broker and was not confirmed yet comes twice: nobody can tell.
      expect(flawsOf(result, ['repeatedAnswers'])).toEqual({});
      expect(result.startedBehindFailure).toBe(0);
      expect(result.report).toMatchObject({ outcome: 'drained', clean: true });
    });

    it('names what a connection that is lost has delivered anew: nothing else is executed twice', async () => {
      const result = await rollWith({ noAck: false }, (wire) => wire.dropConnections());
      expect(flawsOf(result, ['twice', 'wrongAnswers', 'repeatedAnswers', 'unanswered'])).toEqual({});
      // The handler acknowledges before it returns: of one that ends in that moment, the reply alone may be lost.
      expect(result.unanswered).toBeLessThanOrEqual(1);
      const [, named] = /when (\d+) messages? had not been acknowledged: delivered anew/.exec(detailsOf(result) ?? '')!;
      // An acknowledgement that was on its way is lost with the connection, and nobody can tell.
      expect(result.twice).toBeGreaterThanOrEqual(Number(named));
    });

    it('ends at the deadline where the broker is down, and names the replies that it could not send', async () => {
      const result = await rollWith({ noAck: true }, (wire) => wire.goDown());
      expect(flawsOf(result, ['unanswered'])).toEqual({});
      expect(result.report).toMatchObject({ outcome: 'timed-out', clean: false });
      expect(detailsOf(result)).toMatch(/\d+ replies not confirmed by the broker/);
      expect(result.awakeMs).toBeLessThan(drainTimeoutMs + lateExitMs);
    });

    it('ends at the deadline where the broker confirms nothing, and says so', async () => {
      const result = await rollWith({ noAck: false, end: 'close' }, (wire) => wire.goSilent());
      expect(result).toMatchObject({ cut: 0, afterDestroy: 0, unhandledRejections: [] });
      expect(result.report).toMatchObject({ outcome: 'timed-out', clean: false });
      expect(detailsOf(result)).toMatch('had not confirmed');
      expect(result.awakeMs).toBeLessThan(drainTimeoutMs + lateExitMs);
    });
  });
});
