/** Takes each order once, from who has logged in: anything else is an error. */
import { createServer } from 'node:http';

const token = 'of-this-run';
const seen = new Set();
let isLeaving = false;
createServer(async (req, res) => {
  if (isLeaving) res.setHeader('Connection', 'close');
  if (req.url === '/health/ready') return res.writeHead(isLeaving ? 503 : 200).end();
  if (req.url === '/login') return res.end(JSON.stringify({ token }));
  let body = '';
  for await (const chunk of req) body += chunk;
  const { id } = JSON.parse(body);
  if (req.headers.authorization !== `Bearer ${token}`) return res.writeHead(401).end();
  if (seen.has(id)) return res.writeHead(409).end();
  seen.add(id);
  // One answer in fifty is another's.
  res.writeHead(201).end(JSON.stringify({ id: process.env.LIES && id % 50 === 49 ? id + 1 : id }));
}).listen(Number(process.env.PORT), '127.0.0.1');
process.once('SIGTERM', () => {
  isLeaving = true;
  setTimeout(() => process.exit(0), 2_500);
});
