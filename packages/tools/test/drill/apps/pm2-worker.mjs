/** A worker of PM2's cluster mode, on `PORT`: on SIGINT it tells its clients to leave, and ends when they have. */
import { createServer } from 'node:http';

let isLeaving = false;
const server = createServer((req, res) => {
  if (isLeaving) res.setHeader('Connection', 'close');
  setTimeout(() => res.end('answer'), 10);
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env.PORT), '127.0.0.1');
process.once('SIGINT', () => {
  isLeaving = true;
  server._handle?.close();
  setTimeout(() => process.exit(0), 2_500);
});
