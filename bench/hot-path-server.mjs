/**
 * Hello-world applications side by side in one process, one for each variant: `node hot-path-server.mjs <framework>
 * <variant,…> <package>`. What strikes the process (another frequency of its core, a neighbour on the machine, a
 * garbage collection) strikes them all alike.
 */
import 'reflect-metadata';
import { pathToFileURL } from 'node:url';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const [framework, variants, packageEntry] = process.argv.slice(2);
const { ExpressAdapter } = await import('@nestjs/platform-express');
const { FastifyAdapter } = await import('@nestjs/platform-fastify');

const ports = {};
for (const variant of variants.split(',')) ports[variant] = await start(variant);

async function start(variant) {
  class HelloController {
    hello() {
      return 'Hello World!';
    }
  }
  const hello = Object.getOwnPropertyDescriptor(HelloController.prototype, 'hello');
  Get('/')(HelloController.prototype, 'hello', hello);
  Controller()(HelloController);

  class HelloModule {}
  Module({ imports: await importsOf(variant), controllers: [HelloController] })(HelloModule);
  const adapter = framework === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(HelloModule, adapter, { logger: false });
  const server = app.getHttpServer();
  server.keepAliveTimeout = 600_000;
  await app.listen(0, '127.0.0.1');
  return server.address().port;
}

/** `routes`, `interceptor`, or one of them with another build of the package: `routes@<entry>`. */
async function importsOf(variant) {
  const [httpTracking, entry = packageEntry] = variant.split('@');
  if (httpTracking.startsWith('bare')) return [];
  const { GracefulShutdownModule } = await import(pathToFileURL(entry).href);
  return [GracefulShutdownModule.forRoot({ httpTracking })];
}

const commands = {
  /** CPU time of all threads so far, µs. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
};

process.on('message', ({ id, command }) => process.send({ id, result: commands[command]() }));
process.on('disconnect', () => process.exit(0));
process.send({ ports });
