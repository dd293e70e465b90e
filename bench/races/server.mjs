/**
 * Applications for bench/races.mjs, one after the other in one process: `node server.mjs <package entry>`. Told over
 * IPC to `start` one and to `close` it; a SIGTERM ends the last one, and the process. Afterwards it tells when things
 * happened: the signal, the flip, the close of the listener, and the close call of each connection, by the client's
 * port; when the server had looked, last before such a call, and when the call had returned. Instants are those of the
 * monotonic clock, which all processes of a machine share.
 */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { Server, Socket } from 'node:net';
import timers from 'node:timers';
import { All, Controller, Get, Module, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

/** When a turn of the event loop that was waited for has begun: behind a poll, which shows what has arrived. */
let lookedAt = 0;
const { setImmediate: nextTurn } = timers;
timers.setImmediate = (act, ...args) => {
  const look = (...rest) => {
    lookedAt = now();
    act(...rest);
  };
  return nextTurn(look, ...args);
};
syncBuiltinESMExports();

const [packageEntry] = process.argv.slice(2);
const { AllowDuringShutdown, GracefulShutdown, GracefulShutdownModule } = await import(packageEntry);

const soonMs = 6;
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const now = () => Number(process.hrtime.bigint()) / 1e6;
let times;
forget();

function forget() {
  times = {
    signal: 0,
    flip: 0,
    listenerClosed: 0,
    listenerGone: 0,
    listenerLook: 0,
    accepts: {},
    closes: {},
    gone: {},
    looks: {},
  };
}

/** The first of FIN and close is what a client cannot know of when it writes. */
for (const method of ['destroy', '_final']) {
  const original = Socket.prototype[method];
  Socket.prototype[method] = function (...args) {
    const { remotePort } = this;
    const at = now();
    const isFirst = remotePort && !this.destroyed && !times.closes[remotePort];
    if (isFirst) {
      times.closes[remotePort] = at;
      times.looks[remotePort] = lookedAt;
    }
    try {
      return original.apply(this, args);
    } finally {
      if (isFirst) times.gone[remotePort] = now();
    }
  };
}
const closeServer = Server.prototype.close;
Server.prototype.close = function (...args) {
  if (!this.listening) return closeServer.apply(this, args);
  times.listenerClosed = now();
  times.listenerLook = lookedAt;
  try {
    return closeServer.apply(this, args);
  } finally {
    times.listenerGone = now();
  }
};

class Answers {
  answer() {
    return 'served';
  }

  /** Each writes a `Connection` header of its own, in one of the ways in which that is done. */
  own(request, response) {
    const raw = response.raw ?? response;
    response.hijack?.();
    const way = request.url.split('/').pop();
    const headers = { 'Content-Length': 6, Connection: 'keep-alive' };
    if (way === 'object') raw.writeHead(200, headers);
    else if (way === 'array') raw.writeHead(200, Object.entries(headers).flat());
    else if (way === 'message') raw.writeHead(200, 'Fine', headers);
    else for (const [name, value] of Object.entries(headers)) raw.setHeader(name, value);
    raw.end('served');
  }

  health() {
    return 'served';
  }
}
const descriptorOf = (name) => Object.getOwnPropertyDescriptor(Answers.prototype, name);
Get('answer')(Answers.prototype, 'answer', descriptorOf('answer'));
All('own/:way')(Answers.prototype, 'own', descriptorOf('own'));
Req()(Answers.prototype, 'own', 0);
Res()(Answers.prototype, 'own', 1);
Get('health')(Answers.prototype, 'health', descriptorOf('health'));
AllowDuringShutdown()(Answers.prototype, 'health', descriptorOf('health'));
Controller()(Answers);

let current;

/**
 * @param setup flavour (`h1`, `h2c`, `h2s`), framework, lameDuckMs, quietMs (it may then last longer), holdMs (the
 * drain is held so long), lateRequests, prefix (`stripped` or `mounted`)
 */
async function start({ flavour, framework, lameDuckMs, quietMs, holdMs, lateRequests, prefix }) {
  class Application {}
  const lameDuck = lameDuckMs > 0 && {
    minMs: lameDuckMs,
    quietMs: quietMs ?? 0,
    maxMs: quietMs ? 4 * lameDuckMs : lameDuckMs,
  };
  const late = lateRequests === undefined ? {} : { lateRequests };
  Module({ imports: [GracefulShutdownModule.forRoot({ lameDuck, ...late })], controllers: [Answers] })(Application);
  const app = await NestFactory.create(Application, adapterOf(flavour, framework), { logger: false });
  app.enableShutdownHooks();
  const shutdown = app.get(GracefulShutdown);
  let server = app.getHttpServer();
  if (prefix === 'stripped') {
    app.use((request, _response, next) => {
      if (request.url.startsWith('/behind/')) request.url = request.url.slice('/behind'.length);
      next();
    });
  }
  await (prefix === 'mounted' ? app.init() : app.listen(0, '127.0.0.1'));
  if (prefix === 'mounted') {
    const { default: express } = await import('express');
    const outer = express();
    outer.use('/behind', app.getHttpAdapter().getInstance());
    server = http.createServer(outer);
    shutdown.attachServer(server);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
  server.on('connection', ({ remotePort }) => (times.accepts[remotePort] = now()));
  const draining = shutdown.drainingSignal ?? shutdown.draining;
  const lease = shutdown.lease('held by the bench');
  // The client, which aims at them, is told of the flip and of the end shortly before they come.
  shutdown.onShutdown('lame-duck', async () => {
    await after(lameDuckMs);
    process.send({ flip: now() });
    await after(soonMs);
  });
  draining.addEventListener('abort', async () => {
    times.flip = now();
    await after(holdMs);
    process.send({ end: now() });
    await after(soonMs);
    lease.release();
  });
  void shutdown.closed.then((report) => {
    process.send({ ended: { ...times, report } });
  });
  process.once('SIGTERM', signalled);
  current = app;
  process.send({ port: server.address().port });
}

function signalled() {
  times.signal = now();
}

function adapterOf(flavour, framework) {
  if (flavour === 'h1') return framework === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const https = { key: readFileSync(process.env.BENCH_KEY), cert: readFileSync(process.env.BENCH_CERT) };
  return new FastifyAdapter({ http2: true, ...(flavour === 'h2s' ? { https } : {}) });
}

async function close() {
  signalled();
  await current.close();
  process.off('SIGTERM', signalled);
  forget();
  globalThis.gc?.();
  process.send({ closed: true });
}

const commands = { start, close };
process.on('message', ([command, setup]) => void commands[command](setup));
process.send({ ready: true });
