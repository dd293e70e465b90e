/**
 * Echoes over WebSockets on `PORT`: `node websockets.mjs <manner>`. `well`: fails readiness, tells its clients to go away
 * (1001) when all is answered, and ends; `badly`: ends in the middle of everything.
 */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const [manner] = process.argv.slice(2);
let leaving = false;
let answering = 0;
const server = createServer((_req, res) => res.writeHead(leaving ? 503 : 200).end());
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  socket.on('message', (message) => {
    answering++;
    setTimeout(() => {
      socket.send(message.toString());
      answering--;
      if (leaving) socket.close(1001);
    }, 20);
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => {
  if (manner === 'badly') process.exit(0);
  leaving = true;
  // Each leaves after its next answer. Those that stay silent are told when nobody is sent here any more.
  setTimeout(() => {
    server.close(() => process.exit(0));
    for (const socket of sockets.clients) if (answering === 0) socket.close(1001);
  }, 2_500);
});
