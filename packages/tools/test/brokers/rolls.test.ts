import { afterAll, expect, it } from '@jest/globals';
import { type BrokerName } from '../../../../test/support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../../../../test/support/describe-with-brokers.js';
import { apps, endCommands, runCommand, runDrill } from '../drill/support/run-drill.js';

const roll = ['--replicas=2', '--warm-up=800ms', '--cool-down=1s', '--rate=100', '--timeout=4s'];
const brokers: [transport: string, broker: BrokerName][] = [
  ['rabbitmq', 'rabbitmq'],
  ['nats', 'nats'],
  ['mqtt', 'mosquitto'],
];

afterAll(endCommands);

describeWithBrokers(['rabbitmq', 'nats', 'mosquitto', 'redis'], 'Messages through a broker', () => {
  async function argumentsOf(transport: string, broker: BrokerName, manner: string, more: readonly string[]) {
    const { url } = await sharedBroker(broker);
    const queue = `rolls-${process.pid}-${transport}-${manner}-${more.length}`;
    const app = ['--', 'node', `${apps}/messages.mjs`, transport, manner];
    const args = [...roll, `--transport=${transport}`, `--broker=${url}`, `--queue=${queue}`, ...more, ...app];
    return { args, where: { env: { BROKER_URL: url, QUEUE: queue } } };
  }

  it.each(brokers)('are all answered over %s when replicas with the module are rolled', async (transport, broker) => {
    const { args, where } = await argumentsOf(transport, broker, 'with', ['--pattern=orders.create']);
    const { code, result } = await runDrill(args, where);
    expect(result.totals.failuresByKind).toEqual({});
    expect(result.totals.requests).toBeGreaterThan(200);
    expect(code).toBe(0);
    // The ledger tells who has executed each.
    expect(result.totals.answeredByReplicas).toBe(result.totals.requests);
  });

  it.each(brokers)('are lost over %s without it', async (transport, broker) => {
    const { args, where } = await argumentsOf(transport, broker, 'without', ['--pattern=orders.create']);
    const { code, result } = await runDrill(args, where);
    expect(result.totals.failed).toBeGreaterThan(0);
    expect(code).toBe(1);
  });

  it('are events that the ledger tells of', async () => {
    const { args, where } = await argumentsOf('rabbitmq', 'rabbitmq', 'with', ['--pattern=orders.paid', '--event']);
    const { code, result } = await runDrill(args, where);
    expect(result.totals.failuresByKind).toEqual({});
    expect(code).toBe(0);
  });

  it('are heard by every replica over Redis, which is said before anything is stopped', async () => {
    const { args, where } = await argumentsOf('redis', 'redis', 'with', ['--pattern=orders.create']);
    const { code, stderr } = await runCommand(['drill', ...args], where);
    expect(stderr).toMatch(/orders\.create fails \(twice\), executed 2 times: every replica hears it/);
    expect(code).toBe(2);
  });

  it.each([
    ['well', 0, undefined],
    ['badly', 1, 'twice'],
  ] as const)('are jobs of BullMQ, whose workers stop %s', async (manner, status, kind) => {
    const { url } = await sharedBroker('redis');
    const queue = `rolls-${process.pid}-jobs-${manner}`;
    // Long enough for a job that was left to be found, and done by another.
    const args = [
      ...roll,
      '--timeout=10s',
      `--redis=${url}`,
      `--queue=${queue}`,
      '--',
      'node',
      `${apps}/jobs.mjs`,
      manner,
    ];
    const { code, result } = await runDrill(args, { env: { BROKER_URL: url, QUEUE: queue } });
    expect(Object.keys(result.totals.failuresByKind)).toEqual(kind === undefined ? [] : [kind]);
    expect(result.totals.requests).toBeGreaterThan(200);
    expect(code).toBe(status);
  });
});
