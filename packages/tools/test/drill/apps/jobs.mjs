/**
 * A worker of BullMQ: `node jobs.mjs <manner>`, with `BROKER_URL` and `QUEUE`. `well`: finishes its jobs when it is told
 * to stop; `badly`: leaves them, for another to begin again.
 */
import { Worker } from 'bullmq';
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const [manner] = process.argv.slice(2);
const { BROKER_URL, QUEUE, DRILL_LEDGER } = process.env;
const { hostname, port } = new URL(BROKER_URL);

const work = async ({ data }) => {
  appendFileSync(DRILL_LEDGER, `${data.id}\n`);
  await delay(100);
};
const worker = new Worker(QUEUE, work, {
  connection: { host: hostname, port: Number(port) },
  concurrency: 20,
  // A job that was left is found soon. Nobody leaves one otherwise, however busy the machine.
  ...(manner === 'badly' ? { lockDuration: 1_000, stalledInterval: 500 } : {}),
});
await worker.waitUntilReady();
console.log('The worker has successfully started.');

process.on('SIGTERM', async () => {
  if (manner === 'well') await worker.close();
  process.exit(0);
});
