import { expect, it } from '@jest/globals';
import { type BrokerName } from '../support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';
import { type Flaw, flawsOf, rollOnce, type RollSetup } from '../support/message-load.js';
import { exitMs, kafkaLoad, patientMs } from './support/rolls.js';

interface Cell {
  readonly name: string;
  readonly broker?: BrokerName;
  readonly setup: RollSetup;
  /** What cannot be had with this transport. */
  readonly always?: readonly Flaw[];
}

const fast = { rate: 420, handlerMs: 30, settleMs: patientMs };
/**
 * A server of Nest 11.0 drops values of a stream that come while it waits for a broker to take the one before, without
 * the module too. Where the broker has to confirm each, there are no streams with it.
 */
const confirmed: Partial<RollSetup> =
  process.env.DRAIN_BROKER_NEST === '11-lowest' ? { shares: { rpc: 2, event: 2 } } : {};
const cells: readonly Cell[] = [
  { name: 'TCP, with retryWhenDraining()', setup: { transport: 'tcp', retry: true, ...fast } },
  { name: 'TCP', setup: { transport: 'tcp', ...fast }, always: ['failed', 'never'] },
  { name: 'gRPC', setup: { transport: 'grpc', ...fast } },
  { name: 'NATS with a queue', broker: 'nats', setup: { transport: 'nats', ...fast } },
  { name: 'MQTT with $share', broker: 'mosquitto', setup: { transport: 'mqtt', ...fast } },
  { name: 'MQTT with clean: false', broker: 'mosquitto', setup: { transport: 'mqtt', persistent: true, ...fast } },
  { name: 'RabbitMQ with noAck: true', broker: 'rabbitmq', setup: { transport: 'rmq', noAck: true, ...fast } },
  { name: 'RabbitMQ with noAck: false', broker: 'rabbitmq', setup: { transport: 'rmq', noAck: false, ...fast } },
  {
    name: 'Redis',
    broker: 'redis',
    setup: { transport: 'redis', ...fast, ...confirmed, settleMs: undefined },
    always: ['unanswered', 'never', 'eventsLost'],
  },
  { name: 'a custom strategy', broker: 'redis', setup: { transport: 'custom', ...fast } },
  { name: 'Kafka', broker: 'kafka', setup: { transport: 'kafka', ...kafkaLoad, ...confirmed } },
];

/** Each version of Nest is rolled in two of the four ways, so that two versions see them all. */
const ways: Record<string, [RollSetup['kind'], RollSetup['end']][]> = {
  first: [
    ['microservice', 'SIGTERM'],
    ['hybrid', 'close'],
  ],
  second: [
    ['microservice', 'close'],
    ['hybrid', 'SIGTERM'],
  ],
};

/** Whichever Nest the applications in `DRAIN_BROKER_APPS` find beside them: see scripts/brokers.mjs. */
for (const { name, broker, setup, always } of cells) {
  describeWithBrokers(broker ?? [], `On another Nest, ${name}`, () => {
    it.each(ways[process.env.DRAIN_BROKER_WAYS ?? 'first']!)('loses nothing: %s, %s', async (kind, end) => {
      const url = broker && (await sharedBroker(broker)).url;
      const result = await rollOnce({ ...setup, url, kind, end });
      expect(flawsOf(result, always)).toEqual({});
      expect(result.report?.clean).toBe(true);
      expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
    });
  });
}
