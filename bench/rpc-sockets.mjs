/**
 * Server CPU of an RPC over real sockets: Nest's servers of TCP or gRPC, each in a process of its own on the first core,
 * loaded in turn by this process on the second. Otherwise as `rpc.mjs`, which leaves the sockets out.
 *
 *   node bench/rpc-sockets.mjs [--transport tcp|grpc] [--cycles 60] [--block 2000] [--rounds 3] [--fail-over 1.05]
 *     [<package entry> …]
 */
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { isPinned } from './application.mjs';
import { fixed, median, quantile, table } from './statistics.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    transport: { type: 'string', default: 'tcp' },
    cycles: { type: 'string', default: '60' },
    block: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    'fail-over': { type: 'string' },
  },
});
const own = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const entries = positionals.length > 0 ? positionals : [own];
const variants = ['bare', 'bare again', ...entries.map((entry) => (entry === own ? 'module' : entry))];
const block = Number(values.block);
const clients = { tcp: overTcp, grpc: overGrpc };
const proto = fileURLToPath(new URL('../test/brokers/apps/grpc-calls.proto', import.meta.url));
const connectionCount = 8;
/** So many calls are on their way on each connection. */
const depth = 4;

const ratios = variants.map(() => []);
const costs = variants.map(() => []);
for (let round = 0; round < Number(values.rounds); round++) {
  const servers = await Promise.all(variants.map((name, at) => start(name, entries[at - 2])));
  for (let part = 0; part < 6; part++) for (const each of servers) await run(each, block);
  for (let cycle = 0; cycle < Number(values.cycles); cycle++) {
    const us = variants.map(() => 0);
    const first = (cycle + round) % servers.length;
    const turns = [...servers.keys()].map((at) => (at + first) % servers.length);
    for (const at of [...turns, ...turns.toReversed()]) us[at] += await cost(servers[at]);
    us.forEach((each, at) => {
      ratios[at].push(each / us[0]);
      costs[at].push(each / 2 / block);
    });
  }
  for (const { child } of servers) child.kill('SIGKILL');
}
const rows = variants.map((name, at) => {
  const quartiles = `${fixed(quantile(ratios[at], 0.25), 3)}–${fixed(quantile(ratios[at], 0.75), 3)}`;
  return [name, `**${fixed(median(ratios[at]), 3)}**`, quartiles, fixed(median(costs[at]), 1)];
});
console.log(table([`Over sockets, ${values.transport}`, 'CPU × bare', 'quartiles of cycles', 'µs a call'], rows));
const worst = Math.max(...ratios.slice(2).map(median));
process.exit(worst > Number(values['fail-over'] ?? Infinity) ? 1 : 0);

async function cost(server) {
  const before = await cpuOf(server);
  await run(server, block);
  return (await cpuOf(server)) - before;
}

async function cpuOf({ child }) {
  child.send('cpu');
  return (await once(child, 'message'))[0];
}

/** Makes so many calls, and resolves when all have been answered. */
function run({ client }, calls) {
  return client(calls);
}

async function overTcp(port) {
  const sockets = Array.from({ length: connectionCount }, () => connect(port, '127.0.0.1').setNoDelay(true));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return (calls) => runOverTcp(sockets, calls);
}

function runOverTcp(sockets, calls) {
  return new Promise((done, failed) => {
    let sent = 0;
    let answered = 0;
    const send = (socket) => {
      const packet = JSON.stringify({ pattern: 'orders.find', id: `call-${sent++}`, data: { id: 7 } });
      socket.write(`${packet.length}#${packet}`);
    };
    for (const socket of sockets) {
      let text = '';
      socket.removeAllListeners('data');
      socket.on('data', (chunk) => {
        text += chunk;
        for (let at = text.indexOf('#'); at > 0; at = text.indexOf('#')) {
          const end = at + 1 + Number(text.slice(0, at));
          if (text.length < end) break;
          const { response } = JSON.parse(text.slice(at + 1, end));
          text = text.slice(end);
          if (response?.id !== 7) failed(new Error('Expected the order 7 as the answer.'));
          if (++answered === calls) done();
          if (sent < calls) send(socket);
        }
      });
      for (let each = 0; each < depth && sent < calls; each++) send(socket);
    }
  });
}

async function overGrpc(port) {
  const { Orders } = loadPackageDefinition(loadSync(proto)).orders;
  const own = { 'grpc.use_local_subchannel_pool': 1 };
  const stubs = Array.from(
    { length: connectionCount },
    () => new Orders(`127.0.0.1:${port}`, credentials.createInsecure(), own),
  );
  return (calls) =>
    new Promise((done, failed) => {
      let sent = 0;
      let answered = 0;
      const send = (stub) => {
        const id = `call-${sent++}`;
        stub.create({ id, ms: 0 }, (error, answer) => {
          if (error || answer.id !== id) return failed(error ?? new Error(`Expected the answer to ${id}.`));
          if (++answered === calls) done();
          if (sent < calls) send(stub);
        });
      };
      for (const stub of stubs) for (let each = 0; each < depth && sent < calls; each++) send(stub);
    });
}

async function start(name, entry) {
  const script = fileURLToPath(new URL('rpc-server.mjs', import.meta.url));
  const child = fork(script, [values.transport, proto, ...(entry ? [pathToFileURL(resolve(entry)).href] : [])]);
  const [port] = await once(child, 'message');
  if (isPinned) execFileSync('taskset', ['-a', '-c', '-p', '0', String(child.pid)], { stdio: 'ignore' });
  return { name, child, client: await clients[values.transport](port) };
}
