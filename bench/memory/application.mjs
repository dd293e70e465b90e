/**
 * One measurement of bench/memory.mjs, in a process of its own: `node --expose-gc application.mjs <what> <framework>
 * <bare|module> <package entry>`. Tells its figures over IPC.
 */
import 'reflect-metadata';
import { setImmediate as turn } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import { Controller, Get, Injectable, Module, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

const [what, framework, variant, packageEntry] = process.argv.slice(2);
const drain = variant === 'bare' ? undefined : await import(packageEntry);

async function make(metadata) {
  class Application {}
  const imports = [...(metadata.imports ?? []), ...(drain ? [drain.GracefulShutdownModule.forRoot({})] : [])];
  Module({ ...metadata, imports })(Application);
  const adapter = framework === 'fastify' ? new FastifyAdapter({ bodyLimit: 1e6 }) : new ExpressAdapter();
  return NestFactory.create(Application, adapter, { logger: false, bodyParser: false });
}

async function heap() {
  for (let i = 0; i < 8; i++) {
    global.gc();
    await turn();
  }
  return process.memoryUsage().heapUsed;
}

const measurements = {
  /** Handlers that never settle once their client has gone. The parent is the client. */
  async aborts() {
    let begun = 0;
    class Endless {
      upload(request) {
        begun++;
        const raw = request.raw ?? request;
        return new Promise((resolve) => raw.on('end', resolve).on('data', () => undefined));
      }

      download(response) {
        begun++;
        const raw = response.raw ?? response;
        response.hijack?.();
        raw.write('a piece');
        return new Promise((resolve) => raw.on('finish', resolve));
      }
    }
    decorate(Endless, 'upload', Post('upload'), [Req()]);
    decorate(Endless, 'download', Get('download'), [Res()]);
    Controller()(Endless);
    const app = await make({ controllers: [Endless] });
    if (framework === 'fastify') {
      app
        .getHttpAdapter()
        .getInstance()
        .addContentTypeParser('text/plain', (_request, payload, done) => done(null, payload));
    }
    app.enableShutdownHooks();
    if (drain) void app.get(drain.GracefulShutdown).closed.then((report) => process.send({ report }));
    await app.listen(0, '127.0.0.1');
    process.on('message', async (asked) => {
      if (asked === 'heap') process.send({ heap: await heap() });
      else if (asked === 'begun') process.send({ begun });
    });
    process.send({ port: app.getHttpServer().address().port });
  },

  /** Applications that are initialised and dropped. */
  async unclosed() {
    class Hello {
      hello() {
        return 'hello';
      }
    }
    decorate(Hello, 'hello', Get(), []);
    Controller()(Hello);
    const warnings = [];
    process.on('warning', ({ name }) => warnings.push(name));
    const some = async (count) => {
      for (let n = 0; n < count; n++) await (await make({ controllers: [Hello] })).init();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return heap();
    };
    const count = 200;
    const before = await some(40);
    const after = await some(count);
    process.send({ bytes: (after - before) / count, warnings: warnings.length });
    process.exit();
  },

  /** 100 modules, 1,500 providers, 900 routes. */
  async bootstrap() {
    const modules = Array.from({ length: 100 }, () => {
      class Feature {}
      const providers = Array.from({ length: 15 }, () => {
        class Provider {
          run() {}

          stop() {}
        }
        Injectable()(Provider);
        return Provider;
      });
      class Routes {}
      for (let n = 0; n < 9; n++) {
        Routes.prototype[`route${n}`] = () => 'answer';
        decorate(Routes, `route${n}`, Get(`route${n}`), []);
      }
      Controller(`feature${Math.random().toString(36).slice(2)}`)(Routes);
      Module({ providers, controllers: [Routes] })(Feature);
      return Feature;
    });
    const startedAt = performance.now();
    const app = await make({ imports: modules });
    await app.init();
    const initialisedAt = performance.now();
    await app.close();
    process.send({ bootstrapMs: initialisedAt - startedAt, closeMs: performance.now() - initialisedAt });
    process.exit();
  },

  /** `app.close()` behind a request of a client that keeps its connection, in the same process, as in tests. */
  async closing() {
    class Hello {
      hello() {
        return 'hello';
      }
    }
    decorate(Hello, 'hello', Get(), []);
    Controller()(Hello);
    const closeMs = [];
    for (let n = 0; n < 25; n++) {
      const app = await make({ controllers: [Hello] });
      await app.listen(0, '127.0.0.1');
      await (await fetch(await app.getUrl())).text();
      const startedAt = performance.now();
      await app.close();
      closeMs.push(performance.now() - startedAt);
    }
    process.send({ closeMs });
    process.exit();
  },
};

function decorate(type, method, route, parameters) {
  parameters.forEach((parameter, index) => parameter(type.prototype, method, index));
  route(type.prototype, method, Object.getOwnPropertyDescriptor(type.prototype, method));
}

await measurements[what]();
