/**
 * Answers over h2c on `PORT`: `node http2.mjs <manner>`. `well`: fails readiness, and once nobody is sent here any more
 * tells its sessions to go away, which finishes their streams; `badly`: ends in the middle of everything.
 */
import { createServer } from 'node:http2';

const [manner] = process.argv.slice(2);
const sessions = new Set();
let leaving = false;
const server = createServer();
server.on('session', (session) => {
  sessions.add(session);
  session.once('close', () => sessions.delete(session));
});
server.on('stream', (stream, headers) => {
  const isProbe = headers[':path'] === '/ready';
  setTimeout(
    () => {
      stream.respond({ ':status': isProbe && leaving ? 503 : 200 });
      stream.end('answer');
    },
    isProbe ? 0 : 20,
  );
});
server.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => {
  if (manner === 'badly') process.exit(0);
  leaving = true;
  setTimeout(() => {
    server.close(() => process.exit(0));
    for (const session of sessions) session.close();
  }, 2_500);
});
