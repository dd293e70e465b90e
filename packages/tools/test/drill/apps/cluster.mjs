/**
 * A group of `node:cluster` that replaces its workers one by one on SIGHUP, the successor first: `node cluster.mjs
 * <manner> <ms>`, on `PORT`. The second of the first generation listens so many ms late. Its workers, on SIGTERM (or
 * SIGINT, as PM2 has it):
 *
 * - `gracefully`: tell their clients to leave, and end when all have
 * - `at-once`: exit
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';

const [, , manner = 'gracefully', lateMs] = process.argv;
if (cluster.isPrimary) lead();
else serve();

function lead() {
  const start = async (lateMs = 0) => {
    const worker = cluster.fork({ LATE_MS: lateMs });
    await once(worker, 'listening');
    return worker;
  };
  // The first that listens may be told of before the second is there.
  const started = Promise.all([start(), start(lateMs)]);
  process.on('SIGHUP', async () => {
    const workers = await started;
    for (const [place, old] of workers.entries()) {
      workers[place] = await start();
      const exited = once(old, 'exit');
      process.kill(old.process.pid, 'SIGTERM');
      await exited;
    }
  });
}

function serve() {
  let isLeaving = false;
  const server = createServer((req, res) => {
    if (isLeaving) res.setHeader('Connection', 'close');
    setTimeout(() => res.end('answer'), req.url === '/' ? 20 : 0);
  });
  server.keepAliveTimeout = 60_000;
  setTimeout(() => server.listen(Number(process.env.PORT), '127.0.0.1'), Number(process.env.LATE_MS));
  const leave = () => {
    if (manner === 'at-once') process.exit(0);
    isLeaving = true;
    // No new connection is given to it from here on. Node closes those that are idle when a server closes: the handle of
    // the cluster is closed alone.
    server._handle?.close();
    // Those that are kept get one more answer, which says that it is the last.
    setTimeout(() => process.exit(0), 2_500);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, leave);
}
