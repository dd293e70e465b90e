import { afterEach, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import amqp from 'amqplib';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import mqtt from 'mqtt';
import * as nats from 'nats';
import { type Broker, type BrokerAddress, type BrokerName, startBroker, wireTo } from '../support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';

const talks: Record<BrokerName, (broker: BrokerAddress) => Promise<unknown>> = {
  redis: async ({ url }) => {
    const client = new Redis(url);
    expect(await client.ping()).toBe('PONG');
    await client.quit();
  },
  rabbitmq: async ({ url }) => {
    const connection = await amqp.connect(url);
    const channel = await connection.createConfirmChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    channel.sendToQueue(queue, Buffer.from('x'));
    await channel.waitForConfirms();
    await connection.close();
  },
  mosquitto: async ({ url }) => {
    const client = await mqtt.connectAsync(url);
    await client.publishAsync('x', 'x', { qos: 1 });
    await client.endAsync();
  },
  nats: async ({ url }) => {
    const client = await nats.connect({ servers: url });
    await client.flush();
    await client.drain();
  },
  kafka: async ({ url }) => {
    const producer = new Kafka({ brokers: [url], logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    await producer.send({ topic: 'x', messages: [{ value: 'x' }] });
    await producer.disconnect();
  },
};

let mine: Broker[] = [];
afterEach(async () => {
  await Promise.all(mine.map((each) => each.stop()));
  mine = [];
});

for (const name of Object.keys(talks) as BrokerName[]) {
  describeWithBrokers(name, `A broker of one's own: ${name}`, () => {
    it('talks as soon as it is started, and leaves neither a process nor a folder', async () => {
      const broker = await startBroker(name);
      mine.push(broker);
      await talks[name](broker);
      const before = processesIn(broker.folder);
      expect(before).not.toEqual([]);
      await broker.stop();
      const refused = connect(broker.port, '127.0.0.1');
      await expect(once(refused, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      expect(before.filter(isAlive)).toEqual([]);
      expect(existsSync(broker.folder)).toBe(false);
    });
  });
}

describeWithBrokers('rabbitmq', 'The shared broker', () => {
  it('is the same for all who ask, and talks', async () => {
    const [one, other] = await Promise.all([sharedBroker('rabbitmq'), sharedBroker('rabbitmq')]);
    expect(one).toEqual(other);
    await talks.rabbitmq(one);
  });
});

describeWithBrokers('redis', 'A wire to a broker', () => {
  it('drops the connections of now, refuses those of later, keeps what the broker says', async () => {
    const broker = await startBroker('redis');
    mine.push(broker);
    const wire = await wireTo(broker);
    const client = new Redis(wire.port, '127.0.0.1', { retryStrategy: () => 10 });
    const problems: unknown[] = [];
    client.on('error', (error) => problems.push(error));
    await client.set('key', 'value');
    const reconnected = once(client, 'ready');
    wire.dropConnections();
    await reconnected;
    expect(await client.get('key')).toBe('value');

    const closed = once(client, 'close');
    await wire.goDown();
    await closed;
    const again = once(client, 'ready');
    await wire.comeBack();
    await again;

    wire.goSilent();
    let answered = false;
    const answer = client.get('key').then((value) => ((answered = true), value));
    await new Redis(broker.url).quit();
    expect(answered).toBe(false);
    wire.speak();
    expect(await answer).toBe('value');
    client.disconnect();
    await wire.stop();
  });
});

/** The processes that run in this folder. */
function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && ifAlive(pid, () => readlinkSync(`/proc/${pid}/cwd`) === folder));
}

function isAlive(pid: number): boolean {
  return ifAlive(pid, () => !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
}

/** A process may end while it is looked at. */
function ifAlive(pid: number, test: () => boolean): boolean {
  try {
    return test();
  } catch {
    return false;
  }
}
