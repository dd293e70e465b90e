/**
 * A service with one fault, seeded: `node faulty.mjs <fault>`, on `PORT`. `none` is the one without. Node alone, so
 * that every fault is its own.
 *
 * Quick answers at /, one that takes 1.5 s at /slow, readiness at /health/ready.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';

const fault = process.argv[2] ?? 'none';
const signal = process.argv[3] ?? 'SIGTERM';
/** How long it serves on while its readiness fails; more than the lag it is rolled with. */
const leavingMs = Number(process.env.LEAVING_MS ?? 900);

let served = 0;
let asked = 0;
let stoppingAt;
const isStopping = () => stoppingAt !== undefined;
const staysReady = ['keeps-ready', 'exits', 'cuts-in-flight'].includes(fault);

if (fault === 'leaves-group') spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).unref();

const server = createServer((req, res) => {
  if (fault === 'crashes' && ++asked === 90) process.exit(7);
  if (req.url === '/health/ready' && fault === 'flaps' && ++asked % 4 === 0) return res.writeHead(503).end();
  if (req.url === '/health/ready' && fault === 'redirects-in-kubernetes' && !isStopping()) {
    return res.writeHead(process.env.KUBERNETES_SERVICE_HOST ? 302 : 500, { Location: '/' }).end();
  }
  if (req.url === '/health/ready') return res.writeHead(isStopping() && !staysReady ? 503 : 200).end();
  if (fault === 'fails-at-rest' && ++served % 40 === 20) return res.writeHead(500).end();
  if (isStopping()) {
    if (fault === 'cuts-kept' && req.socket.old && performance.now() - stoppingAt > 400) return req.socket.destroy();
    // Told to leave, as clients must be.
    if (fault !== 'cuts-kept') res.setHeader('Connection', 'close');
    if (fault === 'refuses') return res.writeHead(503).end();
    if (fault === 'errors') return res.writeHead(500).end();
  }
  const slow = req.url === '/slow' ? 1_500 : 2;
  setTimeout(() => res.end('answer'), isStopping() && fault === 'slows-down' ? 2_000 : slow);
});
server.keepAliveTimeout = 60_000;
server.on('connection', (socket) => setTimeout(() => (socket.old = true), 50).unref());
server.listen(Number(process.env.PORT), '127.0.0.1');

if (fault !== 'no-handler') process.on(signal, stop);

function stop() {
  stoppingAt = performance.now();
  switch (fault) {
    case 'never-exits':
      return;
    case 'exits':
    case 'cuts-in-flight':
      return process.exit(0);
    case 'closes-listener':
      server.close();
      return setTimeout(() => process.exit(0), leavingMs + 300);
    case 'keeps-ready':
      return setTimeout(() => process.exit(0), leavingMs);
    case 'cuts-after-timeout':
      return setTimeout(() => process.exit(1), leavingMs);
    case 'fails-exit':
      return setTimeout(() => server.close(() => process.exit(3)), leavingMs);
    default:
      return setTimeout(leave, leavingMs);
  }
}

function leave() {
  server.close(() => process.exit(0));
  setInterval(() => server.closeIdleConnections(), 20);
}
