/**
 * An application that knows nothing of Nest, nor of who runs it: it listens on a port, and where DRAIN_SETTINGS says so
 * on a path and on a port of TLS. It may be busy when it has begun to listen, or in a request until the file `gate` is
 * there, and is ready while it is.
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

const { port, path, secure, hold, busyMs = 0, gate } = JSON.parse(process.env.DRAIN_SETTINGS);
const handle = (request, response) => {
  if (request.url === '/hang') {
    console.log('hanging');
    while (Date.now() > 0);
  }
  if (request.url === '/busy') {
    console.log('busy');
    while (!existsSync(gate));
    process.stdout.write('no longer busy\n');
  }
  if (request.url === '/ready') return void response.writeHead(existsSync(gate) ? 200 : 503).end();
  if (request.url === '/slow') console.log('in hand');
  const { encrypted } = request.socket;
  const isReused = encrypted ? request.socket.isSessionReused() : undefined;
  const body = JSON.stringify({ pid: process.pid, place: process.env.NESTJS_DRAIN_WORKER, isReused });
  setTimeout(() => response.end(body), request.url === '/slow' ? (hold ?? 300) : 0);
};

// As text, as the environment gives it.
createServer(handle).listen(String(port), () => {
  console.log('listening');
  const until = Date.now() + busyMs;
  while (Date.now() < until);
});
if (path) createServer(handle).listen(path);
if (secure)
  createSecureServer({ key: secure.key, cert: secure.cert }, handle).listen({ port: secure.port, host: '127.0.0.1' });
