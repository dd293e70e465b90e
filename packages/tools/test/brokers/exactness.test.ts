import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { type Channel, connect } from 'amqplib';
import { Queue, Worker } from 'bullmq';
import { type BrokerAddress } from '../../../../test/support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../../../../test/support/describe-with-brokers.js';
import { ApplicationPackages } from '../../src/drill/clients/application-packages.js';
import { jobClient } from '../../src/drill/clients/bullmq.js';
import { Ledger } from '../../src/drill/clients/ledger.js';
import { nestCallers } from '../../src/drill/clients/nest-caller.js';
import {
  call,
  callFaults,
  clientOf,
  event,
  eventFaults,
  everySeventh,
  executeIn,
  expected,
  type Handle,
  outcomesOf,
  timeoutMs,
  well,
} from '../integration/drill/clients/message-faults.js';

const packages = new ApplicationPackages();
const toBroker = { connections: 1, freshShare: 0 };

let ledger: Ledger;
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  ledger.remove();
});

describeWithBrokers('rabbitmq', 'What is counted over RabbitMQ', () => {
  let broker: BrokerAddress;
  let queues = 0;
  beforeAll(async () => {
    broker = await sharedBroker('rabbitmq');
  });

  /** A consumer that answers as Nest's server does. */
  async function serve(handle: Handle): Promise<string> {
    ledger = new Ledger();
    const queue = `exactness-${process.pid}-${++queues}`;
    const connection = await connect(broker.url);
    const channel: Channel = await connection.createChannel();
    await channel.assertQueue(queue, { durable: false, autoDelete: true });
    await channel.consume(
      queue,
      (message) => {
        const { id, data } = JSON.parse(message!.content.toString());
        const { replyTo, correlationId } = message!.properties;
        const say = (packet: object): void =>
          void channel.sendToQueue(replyTo, Buffer.from(JSON.stringify({ ...packet, id })), { correlationId });
        handle({
          id: data.id,
          execute: () => executeIn(ledger, data.id),
          answer: (response) => say({ response, isDisposed: true }),
          answerMore: (response) => say({ response }),
          fail: (text) => say({ err: { status: 'error', message: text }, isDisposed: true }),
        });
      },
      { noAck: true },
    );
    ends.push(() => connection.close());
    return queue;
  }

  async function client(queue: string, spec: typeof call) {
    const open = await nestCallers(packages, { transport: 'rabbitmq', pattern: spec.name, queue });
    return clientOf(ledger, spec, () => open(broker.url));
  }

  it.each(callFaults)('is exact to the one when every seventh call is answered %s', async (_what, kind, fault) => {
    const queue = await serve(everySeventh(fault, well));
    expect(await outcomesOf(await client(queue, call), toBroker)).toEqual(expected(kind));
  });

  it.each(eventFaults)('is exact to the one when every seventh event is %s', async (_what, kind, fault) => {
    const queue = await serve(everySeventh(fault, ({ execute }) => execute()));
    expect(await outcomesOf(await client(queue, event), toBroker)).toEqual(expected(kind));
  });
});

describeWithBrokers('redis', 'What is counted of jobs', () => {
  let broker: BrokerAddress;
  let queues = 0;
  beforeAll(async () => {
    broker = await sharedBroker('redis');
  });

  async function jobs(handle: (id: string) => Promise<void>) {
    ledger = new Ledger();
    const queue = `exactness-${process.pid}-${++queues}`;
    const connection = { host: '127.0.0.1', port: broker.port };
    let handled = 0;
    const work = async ({ data }: { data: { id: string } }): Promise<void> => {
      if (++handled % 7 === 0) await handle(data.id);
      else executeIn(ledger, data.id);
    };
    const worker = new Worker(queue, work, { connection, concurrency: 50 });
    await worker.waitUntilReady();
    const cleaner = new Queue(queue, { connection });
    ends.push(() => cleaner.close());
    ends.push(() => cleaner.obliterate({ force: true }));
    ends.push(() => worker.close(true));
    const requests = [{ name: 'jobs', data: '{"id":"{{id}}"}', isEvent: false }];
    return jobClient(packages, { requests, queue, redis: broker.url, ledger, timeoutMs });
  }

  const faults: [string, string | undefined, (id: string) => Promise<void>][] = [
    ['done', undefined, async (id) => executeIn(ledger, id)],
    ['failed', 'error', () => Promise.reject(new Error('no stock'))],
    ['never done', 'timed-out', () => new Promise(() => undefined)],
    ['done twice', 'twice', async (id) => (executeIn(ledger, id), executeIn(ledger, id))],
    ['done by nobody', 'lost', async () => undefined],
  ];

  it.each(faults)('is exact to the one when every seventh job is %s', async (_what, kind, handle) => {
    const client = await jobs(handle);
    expect(await outcomesOf(client, toBroker)).toEqual(expected(kind));
  });
});
