/**
 * Asks a million times through the drill's balancer, with no replica rolled: it must add no failure of its own. `node
 * bench/balancer.mjs [requests]`, on the built package. Exits with 1 when one has failed.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { StrictClients, TcpBalancer } from '../packages/tools/dist/esm/drill/index.js';

const count = Number(process.argv[2] ?? 1_000_000);
const answer = 'the right answer';
const balancer = await TcpBalancer.listen({ readinessPath: '/health/ready' });
const servers = await Promise.all([1, 2, 3].map(serve));
const mix = [{ name: 'GET /', method: 'GET', path: '/', expect: { status: 200, body: answer } }];
const clients = new StrictClients({ url: balancer.url, clients: 24, count, mix });
const report = await clients.run();
await balancer.close();
for (const server of servers) server.close().closeAllConnections();

const { requests, failed, failuresByKind, connections, durationMs, failures } = report;
console.log(
  `${requests.toLocaleString('en-US')} requests on ${connections.toLocaleString('en-US')} connections in ${(durationMs / 1_000).toFixed(0)} s: ${failed} failed`,
);
if (failed > 0) console.log(failuresByKind, failures.slice(0, 5));
process.exit(failed === 0 && requests === count ? 0 : 1);

/** One in two hundred answers tells its client to leave: it comes back on another connection. */
async function serve() {
  let served = 0;
  const server = createServer({ keepAliveTimeout: 0 }, (_req, res) => {
    if (++served % 200 === 0) res.setHeader('Connection', 'close');
    res.end(answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const backend = { host: '127.0.0.1', port: server.address().port };
  await balancer.add(backend);
  await balancer.whenInRotation(backend);
  return server;
}
