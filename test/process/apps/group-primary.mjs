/**
 * A primary process of `node:cluster` that replaces its workers one by one, the successor first; with
 * `settings.isTogether` all successors start first, and then the workers before them end side by side. What they run is
 * `settings.application`.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { settings, tell, told } from './kit.mjs';

cluster.schedulingPolicy = settings.scheduling === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
const { application = new URL('group-worker.mjs', import.meta.url).pathname } = settings;
cluster.setupPrimary({ exec: application });

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

async function end(worker) {
  const exit = once(worker, 'exit');
  const startedAt = performance.now();
  waysOut[settings.wayOut](worker);
  const [code, signal] = await exit;
  return { end: code ?? signal, ms: Math.round(performance.now() - startedAt) };
}

/** Resolves with how those before have ended. */
async function replace(places) {
  const old = places.map((place) => workers[place]);
  await Promise.all(places.map(async (place) => (workers[place] = await start())));
  return Promise.all(old.map(end));
}

const workers = [];
for (let count = 0; count < settings.workers; count++) workers.push(await start());
tell('started', { port: settings.port });

// With each word it rolls all of its workers, once.
const places = [...workers.keys()];
const steps = settings.isTogether ? [places] : places.map((place) => [place]);
for (let roll = 1; ; roll++) {
  await told(`roll ${roll}`);
  const ends = [];
  for (const step of steps) ends.push(...(await replace(step)));
  tell('rolled', { roll, ends });
}
