/**
 * An application to be rolled: `node stub-app.mjs <how it stops>`.
 * `gracefully`: fails readiness, serves on while it tells its clients to leave, and ends when it has been left.
 * `at-once`: ends in the middle of everything. `never`: ignores its signal. `broken`: does not start.
 * `unready`: starts, and is never ready.
 */
import { createServer } from 'node:http';

const manner = process.argv[2];
if (manner === 'broken') {
  console.error('no database');
  process.exit(3);
}

let leaving = false;
const server = createServer((req, res) => {
  if (req.url === '/health/ready') return void res.writeHead(leaving || manner === 'unready' ? 503 : 200).end();
  setTimeout(
    () => {
      if (leaving) res.setHeader('Connection', 'close');
      res.end(`answered by ${process.env.REPLICA}`);
    },
    req.url === '/slow' ? 100 : 1,
  );
});
server.keepAliveTimeout = 0;
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));

process.on('SIGTERM', () => {
  if (manner === 'never') return;
  if (manner === 'at-once') process.exit(0);
  leaving = true;
  setTimeout(() => server.close(() => process.exit(0)), 1_600);
});
