/**
 * CPU of a call through `ServerTCP.handleMessage()` of microservices in one process, in turn, in many short blocks: two
 * without the module, one with it. A cycle goes through them forwards and backwards, so that drift cancels; ratios are
 * taken within each cycle, and the median is over all cycles. What a socket costs is left out: it would hide what is
 * looked for.
 *
 *   node --expose-gc bench/rpc.mjs [--cycles 100] [--block 4000] [--fail-over 1.05] [<package entry> …]
 *
 * `batch` messages come in one turn of the event loop, as they do when several are read from a connection at once.
 */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JsonSocket, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { connect } from 'node:net';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { fixed, median, quantile, table } from './statistics.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cycles: { type: 'string', default: '100' },
    block: { type: 'string', default: '4000' },
    'fail-over': { type: 'string' },
  },
});
const own = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const entries = positionals.length > 0 ? positionals : [own];
const servers = [await start('bare'), await start('bare again')];
for (const entry of entries) servers.push(await start(entry === own ? 'module' : entry, entry));
let worst = 0;
for (const batch of [1, 16]) {
  for (let round = 0; round < 10; round++) for (const each of servers) await run(each, Number(values.block), batch);
  const ratios = new Map(servers.map((each) => [each, []]));
  const costs = new Map(servers.map((each) => [each, []]));
  for (let cycle = 0; cycle < Number(values.cycles); cycle++) {
    const us = new Map(servers.map((each) => [each, 0]));
    const turns = [...servers.slice(cycle % servers.length), ...servers.slice(0, cycle % servers.length)];
    for (const each of [...turns, ...turns.toReversed()]) us.set(each, us.get(each) + (await cost(each, batch)));
    for (const each of servers) {
      ratios.get(each).push(us.get(each) / us.get(servers[0]));
      costs.get(each).push(us.get(each) / 2 / Number(values.block));
    }
  }
  const rows = servers.map((each) => {
    const of = ratios.get(each);
    const quartiles = `${fixed(quantile(of, 0.25), 3)}–${fixed(quantile(of, 0.75), 3)}`;
    return [each.name, `**${fixed(median(of), 3)}**`, quartiles, fixed(median(costs.get(each)), 2)];
  });
  worst = Math.max(worst, ...servers.slice(2).map((each) => median(ratios.get(each))));
  const head = [`${batch} ${batch === 1 ? 'call' : 'calls'} a turn`, 'CPU × bare', 'quartiles of cycles', 'µs a call'];
  console.log(`${table(head, rows)}\n`);
}
process.exit(worst > Number(values['fail-over'] ?? Infinity) ? 1 : 0);

async function cost(each, batch) {
  globalThis.gc?.();
  const before = process.cpuUsage();
  await run(each, Number(values.block), batch);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Calls the handler so many times, and resolves when all have been answered. */
function run({ server, socket }, calls, batch) {
  return new Promise((done) => {
    let left = calls;
    socket.answered = () => {
      if (--left === 0) done();
    };
    let sent = 0;
    const turn = () => {
      for (let each = 0; each < batch && sent < calls; each++) {
        const message = { pattern: 'orders.find', id: String(sent++), data: { id: 7 } };
        void server.handleMessage(socket, message);
      }
      if (sent < calls) setImmediate(turn);
    };
    turn();
  });
}

async function start(name, entry) {
  let socket;
  /** It takes answers, and sends them nowhere. */
  class Sink extends JsonSocket {
    constructor(netSocket) {
      super(netSocket);
      socket = this;
    }
    sendMessage() {
      this.answered();
    }
  }
  class OrdersController {
    async find({ id }) {
      return { id };
    }
  }
  Payload()(OrdersController.prototype, 'find', 0);
  const descriptor = Object.getOwnPropertyDescriptor(OrdersController.prototype, 'find');
  MessagePattern('orders.find')(OrdersController.prototype, 'find', descriptor);
  Controller()(OrdersController);
  const { GracefulShutdownModule } = entry ? await import(pathToFileURL(resolve(entry)).href) : {};
  class AppModule {}
  const imports = GracefulShutdownModule ? [GracefulShutdownModule.forRoot({})] : [];
  Module({ imports, controllers: [OrdersController] })(AppModule);
  const options = { host: '127.0.0.1', port: 0, socketClass: Sink };
  const app = await NestFactory.createMicroservice(AppModule, { transport: Transport.TCP, options, logger: false });
  await app.listen();
  const server = app.serverInstance ?? app.server;
  const client = connect(server.server.address().port, '127.0.0.1');
  await once(client, 'connect');
  while (!socket) await new Promise((turned) => setImmediate(turned));
  return { name, server, socket, client };
}
