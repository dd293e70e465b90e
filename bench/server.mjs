/**
 * One application, in a process of its own, that does what it is told over IPC: `node server.mjs <framework> <variant>
 * <package>`.
 */
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { Controller, Get, Module, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const require = createRequire(import.meta.url);
const [framework, variant, packageEntry] = process.argv.slice(2);

/** Handlers that are held wait for this. */
let release;
const gate = new Promise((resolve) => (release = resolve));
/** Settles when the first of them waits. */
let arrive;
const arrival = new Promise((resolve) => (arrive = resolve));

class HelloController {
  hello() {
    return 'Hello World!';
  }

  /** Answers when it is told to. */
  async held() {
    arrive();
    await gate;
    return 'Hello World!';
  }

  /** Sends its head at once, and its end when it is told to. */
  async begun(response) {
    response.hijack?.();
    const raw = response.raw ?? response;
    raw.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 12 });
    raw.write('Hello ');
    arrive();
    await gate;
    raw.end('World!');
  }
}
route('hello', '/');
route('held', '/held');
route('begun', '/begun');
Res()(HelloController.prototype, 'begun', 0);
Controller()(HelloController);

function route(method, path) {
  Get(path)(HelloController.prototype, method, Object.getOwnPropertyDescriptor(HelloController.prototype, method));
}

/**
 * Each makes an application: what its module imports, what is done with it, how it is closed, and what tells that it
 * has drained.
 */
const setups = {
  bare: () => ({}),
  'bare-again': () => ({}),
  routes: () => drained({ httpTracking: 'routes' }),
  interceptor: () => drained({ httpTracking: 'interceptor' }),
  'graceful-shutdown': () => {
    const { GracefulShutdownModule, setupGracefulShutdown } = require('nestjs-graceful-shutdown');
    return { imports: [GracefulShutdownModule.forRoot()], prepare: (app) => setupGracefulShutdown({ app }) };
  },
  'http-terminator': () => {
    const { createHttpTerminator } = require('http-terminator');
    let terminator;
    return {
      prepare(app) {
        terminator = createHttpTerminator({ server: app.getHttpServer(), gracefulTerminationTimeout: 10_000 });
      },
      async close(app) {
        await terminator.terminate();
        await app.close();
      },
    };
  },
};

async function drained(options) {
  const { GracefulShutdown, GracefulShutdownModule } = await import(pathToFileURL(packageEntry).href);
  return {
    imports: [GracefulShutdownModule.forRoot({ ...options })],
    drainOf: (app) => app.get(GracefulShutdown).drained,
  };
}

const { imports = [], prepare, close = (app) => app.close(), drainOf } = await setups[variant]();
class HelloModule {}
Module({ imports, controllers: [HelloController] })(HelloModule);

const { ExpressAdapter } = await import('@nestjs/platform-express');
const { FastifyAdapter } = await import('@nestjs/platform-fastify');
const app = await NestFactory.create(
  HelloModule,
  framework === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(),
  { logger: false },
);
prepare?.(app);
if (variant === 'http-terminator') {
  // As its README has it.
  process.once('SIGTERM', async () => {
    await close(app);
    process.exit(0);
  });
} else if (variant !== 'graceful-shutdown') {
  app.enableShutdownHooks();
}
const server = app.getHttpServer();
if (process.env.BENCH_KEEP_ALIVE_MS) server.keepAliveTimeout = Number(process.env.BENCH_KEEP_ALIVE_MS);
await app.listen(0, '127.0.0.1');

const commands = {
  /** CPU time of all threads so far, µs. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },

  /** Live bytes of the heap. */
  async heap() {
    for (let i = 0; i < 6; i++) {
      global.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return process.memoryUsage().heapUsed;
  },

  connections() {
    return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
  },

  release,

  /** Resolves when a request is held. */
  arrived: () => arrival,

  /** For profiles, which are written at an orderly exit. */
  exit: () => process.exit(0),

  /** Closes the application. Returns how long that took, and the longest the event loop stood still meanwhile, ms. */
  async close() {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    // The first sample is taken from the second tick on.
    await new Promise((resolve) => setTimeout(resolve, 20));
    delay.reset();
    const startedAt = performance.now();
    await close(app);
    const ms = performance.now() - startedAt;
    await new Promise((resolve) => setTimeout(resolve, 5));
    delay.disable();
    return { ms, stallMs: Math.max(0, delay.max / 1e6 - 1) };
  },

  /**
   * Closes the application while a request is held, and lets it end a while later. Returns how long after the last byte
   * was given to the kernel the drain promise settled (where there is none: the promise of the close call), and the
   * close call itself, ms. Nothing is waited for longer than `waitMs`.
   */
  async closeHeld(heldMs, waitMs) {
    const lastResponse = new Promise((resolve) => {
      for (const response of inFlight) response.once('finish', () => resolve(performance.now()));
    });
    const closed = close(app).then(() => performance.now());
    const drain = drainOf ? drainOf(app).then(() => performance.now()) : closed;
    setTimeout(release, heldMs);
    const endedAt = await lastResponse;
    const late = new Promise((resolve) => setTimeout(() => resolve(Infinity), waitMs));
    const [drainedAt, closedAt] = await Promise.all([drain, closed].map((each) => Promise.race([each, late])));
    return { drainMs: drainedAt - endedAt, closeMs: closedAt - endedAt };
  },
};

const inFlight = new Set();
if (process.env.BENCH_KNOWS_RESPONSES) {
  server.prependListener('request', (_request, response) => {
    inFlight.add(response);
    response.once('close', () => inFlight.delete(response));
  });
}

process.on('message', async ({ id, command, args }) => {
  try {
    process.send({ id, result: await commands[command](...args) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ port: server.address().port });
