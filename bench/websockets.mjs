/**
 * Thousands of WebSocket clients, of `ws` and of socket.io, and one SIGTERM: who was told, what was lost, and how
 * evenly they were let go; with the module and, as the control, without.
 *
 *   node bench/websockets.mjs [--ws 2500] [--socket.io 2500] [--lame-duck 5000] [--idle] [--package dist/index.js]
 *
 * Each kind is one application in a process of its own; all clients are in another. `--idle`: they say nothing.
 */
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const [role, ...rest] = process.argv.slice(2);
if (role === 'server') await serve(JSON.parse(rest[0]));
else if (role === 'clients') await connectAll(JSON.parse(rest[0]));
else await measure();

/** The parent: one round with the module, one without. */
async function measure() {
  const { values } = parseArgs({
    options: {
      ws: { type: 'string', default: '2500' },
      'socket.io': { type: 'string', default: '2500' },
      'lame-duck': { type: 'string', default: '5000' },
      idle: { type: 'boolean', default: false },
      package: { type: 'string', default: 'dist/index.js' },
    },
  });
  const counts = { ws: Number(values.ws), 'socket.io': Number(values['socket.io']) };
  const common = { isIdle: values.idle, lameDuckMs: Number(values['lame-duck']), packageEntry: values.package };
  for (const hasModule of [true, false]) {
    const rows = await round({ ...common, hasModule, counts });
    console.log(
      `\n${hasModule ? 'With the module' : 'Without the module'}, SIGTERM, lame duck of ${common.lameDuckMs} ms`,
    );
    for (const row of rows) console.log(row);
  }
}

async function round({ counts, ...settings }) {
  const kinds = Object.keys(counts).filter((kind) => counts[kind] > 0);
  const servers = {};
  for (const kind of kinds) {
    const child = fork(import.meta.filename, ['server', JSON.stringify({ ...settings, kind })], {
      execArgv: ['--expose-gc'],
    });
    const [{ port }] = await once(child, 'message');
    servers[kind] = { child, port };
  }
  const targets = kinds.map((kind) => ({ kind, port: servers[kind].port, count: counts[kind] }));
  const clients = fork(import.meta.filename, ['clients', JSON.stringify({ targets, isIdle: settings.isIdle })]);
  await once(clients, 'message');

  const figures = {};
  await Promise.all(
    kinds.map(async (kind) => {
      const { child } = servers[kind];
      child.send('memory');
      [figures[kind]] = await once(child, 'message');
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, settings.isIdle ? 0 : 3_000));

  clients.send('signal');
  const ends = kinds.map(async (kind) => {
    const { child } = servers[kind];
    const said = { totals: {} };
    child.on('message', (message) => Object.assign(said, message));
    const startedAt = performance.now();
    child.kill('SIGTERM');
    await once(child, 'exit');
    return { kind, exitMs: performance.now() - startedAt, ...said };
  });
  const servers_ = await Promise.all(ends);
  clients.send('report');
  const [seen] = await once(clients, 'message');
  clients.disconnect();
  return servers_.map(({ kind, exitMs, totals, report }) => {
    const client = seen[kind];
    const { ticks = NaN, started = NaN } = totals;
    const share = (most) => round2(most / (counts[kind] / (settings.lameDuckMs / 100)));
    return {
      kind,
      clients: counts[kind],
      'right close code %': round2((client.right / counts[kind]) * 100),
      'messages sent': ticks,
      'messages lost': ticks - client.ticks,
      'handlers started': started,
      'replies lost': started - client.replies,
      'fullest 100 ms / even share: told': share(totals.fullestTold),
      'seen by clients': share(client.fullest),
      'loop delay max ms: server': Math.round(totals.lagMs),
      'clients (loop)': Math.round(seen.lagMs),
      'exit after ms': Math.round(exitMs),
      outcome: report ? `${report.outcome}, ${report.leftovers} left over` : '',
      'bytes per idle socket': Math.round(figures[kind].bytes / counts[kind]),
    };
  });
}

/** The most of `times` that fall into one 100 ms. */
function fullest(times) {
  const buckets = new Map();
  for (const ms of times) buckets.set(Math.floor(ms / 100), (buckets.get(Math.floor(ms / 100)) ?? 0) + 1);
  return Math.max(0, ...buckets.values());
}

function round2(value) {
  return Math.round(value * 100) / 100;
}

/** One application with one gateway. */
async function serve({ kind, hasModule, lameDuckMs, isIdle, packageEntry }) {
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  const { SubscribeMessage, WebSocketGateway } = await import('@nestjs/websockets');
  const totals = { ticks: 0, started: 0 };
  const clients = new Set();
  const told = new Map();
  let isWatched = false;
  const watchClose = (prototype) => {
    const { close } = prototype;
    prototype.close = function (...args) {
      if (!told.has(this)) told.set(this, performance.now());
      return close.apply(this, args);
    };
    return true;
  };
  const lag = monitorEventLoopDelay({ resolution: 5 });
  process.once('SIGTERM', () => lag.enable());

  class WorkGateway {
    handleConnection(client) {
      clients.add(client);
      isWatched ||= watchClose(Object.getPrototypeOf(kind === 'ws' ? client : client.conn.transport.socket));
    }
    handleDisconnect(client) {
      clients.delete(client);
    }
    async work(_client, number) {
      totals.started++;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { event: 'reply', data: number };
    }
    onApplicationShutdown() {
      process.send({ totals: { ...totals, fullestTold: fullest(told.values()), lagMs: lag.max / 1e6 } });
    }
  }
  WebSocketGateway()(WorkGateway);
  SubscribeMessage('work')(
    WorkGateway.prototype,
    'work',
    Object.getOwnPropertyDescriptor(WorkGateway.prototype, 'work'),
  );

  const imports = [];
  let drain;
  if (hasModule) {
    drain = await import(pathToFileURL(packageEntry));
    imports.push(
      drain.GracefulShutdownModule.forRoot({ lameDuck: { minMs: lameDuckMs, quietMs: 0, maxMs: lameDuckMs } }),
    );
  }
  class AppModule {}
  Module({ imports, providers: [WorkGateway] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  if (kind === 'ws') {
    const { WsAdapter } = await import('@nestjs/platform-ws');
    app.useWebSocketAdapter(new WsAdapter(app));
  }
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  if (drain) {
    void app.get(drain.GracefulShutdown).closed.then(({ outcome, leftovers }) => {
      process.send({ report: { outcome, leftovers: leftovers.length } });
    });
  }

  const used = () => {
    globalThis.gc();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
  const before = used();
  process.on('message', () => {
    process.send({ bytes: used() - before });
    if (!isIdle) setInterval(tick, 40).unref();
  });
  const frame = JSON.stringify({ event: 'tick' });
  const ticking = [];
  /** Everybody gets one every 2 s, a fiftieth of them at a time. */
  const tick = () => {
    if (ticking.length === 0) ticking.push(...clients);
    for (const client of ticking.splice(0, Math.ceil(clients.size / 50))) {
      if (kind === 'ws' ? client.readyState !== 1 : client.conn.readyState !== 'open') continue;
      totals.ticks++;
      if (kind === 'ws') client.send(frame);
      else client.emit('tick');
    }
  };
  process.send({ port: app.getHttpServer().address().port });
}

/** All clients: strict, none of them reconnects. */
async function connectAll({ targets, isIdle }) {
  const { WebSocket } = await import('ws');
  const { io } = await import('socket.io-client');
  const seen = {};
  let signalAt = Infinity;
  const lag = monitorEventLoopDelay({ resolution: 5 });
  const talking = [];

  for (const { kind, port, count } of targets) {
    const mine = (seen[kind] = { right: 0, ticks: 0, replies: 0, times: [] });
    const ended = (code) => {
      if (code === 1001) mine.right++;
      mine.times.push(performance.now() - signalAt);
    };
    const openWs = () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
        socket.once('open', () => resolve(() => socket.readyState === 1 && socket.send('{"event":"work","data":1}')));
        socket.on('error', reject);
        socket.on('message', (data) => (data.toString().includes('"tick"') ? mine.ticks++ : mine.replies++));
        socket.once('close', ended);
      });
    const openIo = () =>
      new Promise((resolve, reject) => {
        const socket = io(`http://127.0.0.1:${port}`, {
          transports: ['websocket'],
          reconnection: false,
          forceNew: true,
        });
        socket.once('connect', () => resolve(() => socket.connected && socket.emit('work', 1)));
        socket.once('connect_error', reject);
        socket.on('tick', () => mine.ticks++);
        socket.on('reply', () => mine.replies++);
        socket.once('disconnect', (_reason, details) => ended(details?.context?.code));
      });
    const open = kind === 'ws' ? openWs : openIo;
    for (let from = 0; from < count; from += 100) {
      talking.push(...(await Promise.all(Array.from({ length: Math.min(100, count - from) }, open))));
    }
  }
  if (!isIdle) {
    for (const say of talking) {
      setTimeout(() => {
        say();
        setInterval(say, 8_000).unref();
      }, Math.random() * 8_000);
    }
  }
  process.on('message', async (word) => {
    if (word === 'signal') {
      signalAt = performance.now();
      lag.enable();
      return;
    }
    // What is still on its way comes in.
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const each of Object.values(seen)) {
      each.fullest = fullest(each.times);
      delete each.times;
    }
    process.send({ ...seen, lagMs: lag.max / 1e6 });
  });
  process.send('connected');
}
