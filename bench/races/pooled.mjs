import { connect } from 'node:net';
import { fixed, table } from '../statistics.mjs';

const clients = 30;
const pauseMs = 4;
const lameDuckMs = 300;

/**
 * Pooled clients of routes that write a `Connection` header of their own. Each sends one request after the other until
 * a response tells it to leave; a request that is not served on a connection that was never told is lost. Exits 1 when
 * one is.
 */
export async function pooled(startProcess, framework, count) {
  const rows = [];
  for (const path of ['/answer', '/own/set', '/own/object', '/own/array', '/own/message']) {
    let [sent, lost, told] = [0, 0, 0];
    const ways = {};
    const server = await startProcess();
    while (sent < count) {
      const { port } = await server.ask('start', { flavour: 'h1', framework, lameDuckMs, holdMs: 50 });
      const ended = server.next('closed');
      const ends = Array.from({ length: clients }, () => run(port, path));
      await new Promise((resolve) => setTimeout(resolve, 100));
      server.child.send(['close']);
      for (const end of await Promise.all(ends)) {
        sent += end.sent;
        if (end.how === 'told') told++;
        else {
          lost++;
          ways[end.how] = (ways[end.how] ?? 0) + 1;
        }
      }
      await ended;
    }
    server.child.kill('SIGKILL');
    if (lost > 0) process.exitCode = 1;
    const how = Object.entries(ways).map(([way, times]) => `${times} × ${way}`);
    rows.push([path, fixed(sent, 0), fixed(told, 0), `**${fixed(lost, 0)}**`, how.join('; ')]);
  }
  console.log(table(['Route', 'requests of pooled clients', 'clients told', 'lost', 'how'], rows));
}

/** One client, until it is told, or loses a request. */
function run(port, path) {
  return new Promise((resolve) => {
    let sent = 0;
    let text = '';
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const send = () => {
      sent++;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    };
    const end = (how) => {
      resolve({ sent, how });
      socket.destroy();
    };
    socket.once('connect', send);
    socket.on('error', (error) => end(error.code));
    socket.on('close', () => end('close'));
    socket.on('data', (chunk) => {
      text += chunk;
      const headEnd = text.indexOf('\r\n\r\n');
      if (headEnd < 0 || text.length < headEnd + 4 + Number(/content-length: (\d+)/i.exec(text)[1])) return;
      const head = text.slice(0, headEnd);
      text = '';
      const status = head.slice(9, 12);
      if (status !== '200') end(status);
      else if (/^connection: close$/im.test(head)) end('told');
      else setTimeout(send, pauseMs);
    });
  });
}
