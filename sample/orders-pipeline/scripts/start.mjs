/** Starts everything: the brokers, two ledgers, a worker and the API. Ctrl-C stops it, part by part. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { missingBrokers, startBrokers } from './brokers.mjs';

const ledgers = ['127.0.0.1:5000', '127.0.0.1:5001'];
const missing = missingBrokers();
const brokers = missing.length === 0 ? await startBrokers() : undefined;
if (!brokers) console.log(`${missing.join(' and ')} not found: orders and jobs are kept in memory.`);

const env = {
  ...process.env,
  LEDGER_ADDRESSES: ledgers.join(),
  RABBIT_URL: brokers?.rabbitUrl,
  REDIS_PORT: brokers?.redisPort,
};
// Each in a group of its own: Ctrl-C is for this process, which hands it on in order.
const run = (main, more = {}) =>
  spawn(process.execPath, [`dist/${main}.js`], { stdio: 'inherit', env: { ...env, ...more }, detached: true });
const parts = [
  ...(brokers ? [run('api/main'), run('worker/main')] : [run('in-memory/main')]),
  ...ledgers.map((address) => run('ledger/main', { LEDGER_ADDRESS: address })),
];
console.log('curl -X POST localhost:3000/orders -H \'content-type: application/json\' -d \'{"id":"1","item":"tea"}\'');

const stop = async () => {
  for (const part of parts) {
    if (part.exitCode !== null || part.signalCode !== null) continue;
    part.kill('SIGTERM');
    await once(part, 'exit');
  }
  await brokers?.stop();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop());
