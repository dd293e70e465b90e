/**
 * The usual way without a supervisor, for `bench/serve.mjs`: a primary process of node:cluster. At SIGHUP each worker
 * gets SIGTERM once its successor listens. At SIGUSR2 it tells how much CPU it has used.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';

cluster.schedulingPolicy = process.env.BENCH_BALANCE === 'shared' ? cluster.SCHED_NONE : cluster.SCHED_RR;
cluster.setupPrimary({ exec: process.argv[2] });

async function start() {
  const worker = cluster.fork();
  await once(worker, 'listening');
  return worker;
}

const workers = [];
for (let count = 0; count < Number(process.env.BENCH_WORKERS); count++) workers.push(await start());
console.log(`workers serve`);
process.on('SIGHUP', async () => {
  for (let place = 0; place < workers.length; place++) {
    const old = workers[place];
    workers[place] = await start();
    old.process.kill('SIGTERM');
    await once(old, 'exit');
  }
  console.log('rolled');
});
process.on('SIGTERM', () => {
  for (const worker of workers) worker.process.kill('SIGKILL');
  process.exit();
});
