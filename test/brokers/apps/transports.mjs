/**
 * What Nest is told of each transport, by the application and by its client. `settings` are those of one roll; see
 * `RollSetup` in test/support/message-load.ts.
 */
import { fileURLToPath } from 'node:url';
import { ListStrategy } from './custom.mjs';

/** The numbers of Nest's `Transport`; the names are not the same everywhere. */
const numbers = { tcp: 0, redis: 1, nats: 2, mqtt: 3, grpc: 4, rmq: 5, kafka: 6 };

const proto = { package: 'orders', protoPath: fileURLToPath(new URL('orders.proto', import.meta.url)) };

/** The mock of Kafka answers a fetch that found nothing when its time is up, whatever comes meanwhile. */
const poll = { maxWaitTimeInMs: 50, sessionTimeout: 6_000, heartbeatInterval: 500 };

const ofServer = {
  tcp: ({ port }) => ({ host: '127.0.0.1', port }),
  redis: at,
  nats: ({ url, roll }) => ({ servers: [url], queue: roll }),
  mqtt: ({ url, clientId }) =>
    clientId ? { url, clientId, clean: false, subscribeOptions: { qos: 1 } } : { url, subscribeOptions: { qos: 1 } },
  grpc: ({ port }) => ({ ...proto, url: `127.0.0.1:${port}` }),
  rmq: ({ url, roll, noAck, prefetch }) => ({
    ...queue(url, roll),
    noAck,
    prefetchCount: prefetch,
  }),
  kafka: ({ url, roll }) => ({
    client: { brokers: [url], clientId: `${roll}-server`, logLevel: 0 },
    consumer: { groupId: roll, ...poll },
    subscribe: { fromBeginning: true },
  }),
};

const ofClient = {
  ...ofServer,
  nats: ({ url }) => ({ servers: [url] }),
  mqtt: ({ url }) => ({ url }),
  rmq: ({ url, roll }) => queue(url, roll),
  kafka: ({ url, roll }) => ({
    client: { brokers: [url], clientId: `${roll}-client`, logLevel: 0 },
    consumer: { groupId: `${roll}-client`, ...poll },
  }),
};

export function serverOptions(settings) {
  if (settings.transport === 'custom') return { strategy: new ListStrategy(settings) };
  return {
    transport: numbers[settings.transport],
    options: { ...ofServer[settings.transport](settings), ...settings.server },
  };
}

export function clientOptions(settings) {
  return { transport: numbers[settings.transport], options: ofClient[settings.transport](settings) };
}

/** The name of a pattern in this roll: rolls that share a broker do not hear each other. */
export function patternOf({ transport, roll }, name) {
  return transport === 'mqtt' ? `${roll}/${name}` : `${roll}.${name}`;
}

/** What the server listens for. Replicas that share the work of an MQTT broker say so in the topic. */
export function listenedPattern(settings, name) {
  const pattern = patternOf(settings, name);
  return settings.transport === 'mqtt' && !settings.clientId ? `$share/${settings.roll}/${pattern}` : pattern;
}

function at({ url }) {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

function queue(url, name) {
  return { urls: [url], queue: name, queueOptions: { durable: false } };
}
