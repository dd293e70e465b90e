/** Idle keep-alive connections: what closing them takes, and what holding them costs. */
import { Application, longKeepAlive } from './application.mjs';
import { Connection } from './client.mjs';
import { median } from './statistics.mjs';

/** Time from the close call to its end, and the longest the event loop stood still meanwhile: medians, ms. */
export async function measureClosing({ framework, variants, packageEntry, counts, repeats, progress }) {
  const rows = [];
  for (const count of counts) {
    const closings = new Map(variants.map((variant) => [variant, []]));
    for (let i = 0; i < repeats; i++) {
      progress(`Closing ${count} idle connections, ${i + 1} of ${repeats}`);
      for (const [variant, each] of closings) each.push(await closing({ framework, variant, packageEntry }, count));
    }
    for (const [variant, each] of closings) {
      rows.push({
        count,
        variant,
        ms: median(each.map(({ ms }) => ms)),
        stallMs: median(each.map(({ stallMs }) => stallMs)),
        repeats,
      });
    }
  }
  return rows;
}

async function closing(setup, count) {
  const application = await Application.start({ ...setup, env: longKeepAlive });
  const connections = await openIdle(application, count);
  const result = await application.ask('close');
  await Promise.all(connections.map(({ closed }) => closed));
  await application.kill();
  return result;
}

/**
 * Live heap for each connection that has answered a request and rests, and for each request in flight: medians, bytes.
 */
export async function measureMemory({ framework, variants, packageEntry, connections, requests, repeats, progress }) {
  const samples = new Map(variants.map((variant) => [variant, []]));
  for (let i = 0; i < repeats; i++) {
    progress(`Memory, ${i + 1} of ${repeats}`);
    for (const [variant, each] of samples) {
      each.push(await memory({ framework, variant, packageEntry, execArgv: ['--expose-gc'] }, connections, requests));
    }
  }
  return [...samples].map(([variant, each]) => ({
    variant,
    bytesPerConnection: median(each.map(({ perConnection }) => perConnection)),
    bytesPerRequest: median(each.map(({ perRequest }) => perRequest)),
    repeats,
  }));
}

async function memory(setup, connectionCount, requestCount) {
  const application = await Application.start({ ...setup, env: longKeepAlive });
  // What is made once is made before the first look: code is compiled, sets have grown.
  const warm = await openIdle(application, connectionCount);
  for (const connection of warm) connection.destroy();
  await hasConnections(application, 0);

  const empty = await application.ask('heap');
  const idle = await openIdle(application, connectionCount);
  const resting = await application.ask('heap');
  for (const connection of idle) connection.destroy();
  await hasConnections(application, 0);

  const before = await application.ask('heap');
  const busy = await Connection.openMany(application.port, requestCount, '/held');
  for (const connection of busy) connection.send();
  // Requests on later connections are read no earlier than those on earlier ones.
  const last = await Connection.open(application.port);
  await last.first();
  last.destroy();
  await hasConnections(application, requestCount);
  const working = await application.ask('heap');
  await application.kill();
  return { perConnection: (resting - empty) / connectionCount, perRequest: (working - before) / requestCount };
}

async function openIdle(application, count) {
  const connections = await Connection.openMany(application.port, count);
  for (let from = 0; from < count; from += 100) {
    await Promise.all(connections.slice(from, from + 100).map((connection) => connection.first()));
  }
  return connections;
}

async function hasConnections(application, count) {
  for (let turn = 0; turn < 1_000; turn++) {
    if ((await application.ask('connections')) === count) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`expected ${count} connections`);
}
