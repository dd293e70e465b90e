/**
 * An event stream on `PORT` whose ids are those of a clock that all replicas have: `node events.mjs <manner>`. `well`: a
 * subscriber that comes back is given what it has missed, and streams are ended when the replica leaves; `forgetful`:
 * it is given what comes from now on; `badly`: ends in the middle of everything.
 */
import { createServer } from 'node:http';

const [manner] = process.argv.slice(2);
const tickMs = 50;
const now = () => Math.floor(Date.now() / tickMs);
const streams = new Set();
let leaving = false;

const server = createServer((req, res) => {
  if (req.url === '/ready') return void res.writeHead(leaving ? 503 : 200).end();
  res.writeHead(200, { 'Content-Type': 'text/event-stream', Connection: leaving ? 'close' : 'keep-alive' });
  const lastId = Number(req.headers['last-event-id'] ?? NaN);
  const stream = { res, sent: manner === 'forgetful' || Number.isNaN(lastId) ? now() : lastId };
  streams.add(stream);
  res.once('close', () => streams.delete(stream));
  send(stream);
});

function send(stream) {
  for (let id = stream.sent + 1; id <= now(); id++) {
    stream.res.write(`id: ${id}\ndata: tick\n\n`);
    stream.sent = id;
  }
}
const ticking = setInterval(() => streams.forEach(send), tickMs / 2);
server.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => {
  if (manner === 'badly') process.exit(0);
  leaving = true;
  setTimeout(() => {
    clearInterval(ticking);
    for (const { res } of streams) res.end('retry: 20\n\n');
    server.close(() => process.exit(0));
  }, 2_500);
});
