import { expect, it } from '@jest/globals';
import { type BrokerName } from '../support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';
import { type Flaw, flawsOf, rollOnce, type RollSetup } from '../support/message-load.js';

interface Cell {
  readonly name: string;
  readonly broker?: BrokerName;
  readonly setup: RollSetup;
  /** What it loses with the module too: the successor comes later, and nobody keeps what is sent meanwhile. */
  readonly always?: readonly Flaw[];
}

const inTheGap: readonly Flaw[] = ['unanswered', 'never', 'eventsLost'];
const cells: readonly Cell[] = [
  { name: 'TCP', setup: { transport: 'tcp' } },
  { name: 'gRPC', setup: { transport: 'grpc' } },
  { name: 'NATS with a queue', broker: 'nats', setup: { transport: 'nats' } },
  { name: 'MQTT with $share', broker: 'mosquitto', setup: { transport: 'mqtt' } },
  { name: 'MQTT with clean: false', broker: 'mosquitto', setup: { transport: 'mqtt', persistent: true } },
  { name: 'RabbitMQ with noAck: true', broker: 'rabbitmq', setup: { transport: 'rmq', noAck: true } },
  { name: 'RabbitMQ with noAck: false', broker: 'rabbitmq', setup: { transport: 'rmq', noAck: false } },
  { name: 'Redis', broker: 'redis', setup: { transport: 'redis' }, always: inTheGap },
];

/** A control: were nothing lost here, the tests of the transports would show nothing. */
for (const { name, broker, setup, always } of cells) {
  describeWithBrokers(broker ?? [], `Without the module, ${name}`, () => {
    const roll = async (more: Partial<RollSetup>) =>
      rollOnce({ ...setup, url: broker && (await sharedBroker(broker)).url, drain: false, ...more });

    it('loses or doubles at 50 messages a second of 500 ms, when a microservice gets SIGTERM', async () => {
      expect(flawsOf(await roll({}), always)).not.toEqual({});
    });

    it('loses or doubles at 420 messages a second of 30 ms, when a hybrid application is closed', async () => {
      const result = await roll({ kind: 'hybrid', end: 'close', rate: 420, handlerMs: 30 });
      expect(flawsOf(result, always)).not.toEqual({});
    });
  });
}
