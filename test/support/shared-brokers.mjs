import { once } from 'node:events';
import { createServer } from 'node:http';
import { importTypeScript } from '../../scripts/import-typescript.mjs';
import buildOnce from './build-once.mjs';

const started = new Map();
let server;

/** Starts nothing yet: answers workers, over HTTP, with the address of a broker that is started when first asked for. */
export default async function shareBrokers() {
  buildOnce();
  const { startBroker } = await importTypeScript('test/support/brokers.ts');
  server = createServer((request, response) => {
    const name = request.url.slice(1);
    if (!started.has(name)) started.set(name, startBroker(name));
    started.get(name).then(
      ({ port, url }) => response.end(JSON.stringify({ name, port, url })),
      (error) => response.writeHead(500).end(error.message),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.env.SHARED_BROKERS_URL = `http://127.0.0.1:${server.address().port}`;
}

export async function stopSharedBrokers() {
  server.close();
  server.closeAllConnections();
  for (const broker of await Promise.allSettled(started.values())) await broker.value?.stop();
}
