/** A primary process of `node:cluster` that replaces its workers one by one, the successor first. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { settings, tell, told } from './kit.mjs';

cluster.schedulingPolicy = settings.scheduling === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
cluster.setupPrimary({ exec: new URL('group-worker.mjs', import.meta.url).pathname });

async function start() {
  const worker = cluster.fork({ DRAIN_SETTINGS: JSON.stringify(settings) });
  await once(worker, 'listening');
  return worker;
}

const waysOut = {
  SIGTERM: (worker) => process.kill(worker.process.pid, 'SIGTERM'),
  SIGINT: (worker) => process.kill(worker.process.pid, 'SIGINT'),
  'disconnect()': (worker) => worker.disconnect(),
};

const workers = [];
for (let count = 0; count < settings.workers; count++) workers.push(await start());
tell('started', { port: settings.port });

// With each word it rolls all of its workers, once.
for (let roll = 1; ; roll++) {
  await told(`roll ${roll}`);
  const ends = [];
  for (let place = 0; place < workers.length; place++) {
    const old = workers[place];
    workers[place] = await start();
    const exit = once(old, 'exit');
    const startedAt = performance.now();
    waysOut[settings.wayOut](old);
    const [code, signal] = await exit;
    ends.push({ end: code ?? signal, ms: Math.round(performance.now() - startedAt) });
  }
  tell('rolled', { roll, ends });
}
