/**
 * Runs the examples of documents: `node examples.mjs <folder of compiled files> <page...>`. Every exported provider and
 * controller of a page becomes part of one application, and every other drainable is registered with it. It listens, is
 * closed, and tells, as JSON, what ran and how that ended.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { GracefulShutdown, GracefulShutdownModule } from 'nestjs-drain';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const [folder, ...pages] = process.argv.slice(2);

let printed;
console.log = (...words) => printed.push(words.join(' '));

/** What pages take for granted: a worker of a queue, a client of a microservice. */
const given = [
  { provide: 'WORKER', useValue: { close: async () => undefined } },
  { provide: 'ORDERS', useValue: {} },
];

/** A consumer of whichever library, with nothing in progress. */
const consumer = {
  run: async () => undefined,
  drain: async () => undefined,
  stop: async () => undefined,
  disconnect: async () => undefined,
  shutdown: () => undefined,
  once: (_, listener) => setImmediate(listener),
};

const runs = {};
for (const page of pages) runs[page] = await run(join(folder, page, 'src'));
process.stdout.write(JSON.stringify(runs));

async function run(examples) {
  printed = [];
  const files = readdirSync(examples).filter((file) => file.endsWith('.js') && !isRunOtherwise(file));
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(join(examples, file)))));
  const classes = modules.flatMap((exports) => Object.values(exports)).filter((each) => typeof each === 'function');
  const controllers = classes.filter((each) => Reflect.hasMetadata('__controller__', each));
  const providers = classes.filter((each) => Reflect.hasMetadata('__injectable__', each));
  const drainables = classes.filter((each) => each.prototype?.forceClose && !providers.includes(each));

  class ExamplesModule {}
  const drain = GracefulShutdownModule.forRoot({ drainTimeoutMs: 5_000, lameDuck: false });
  Module({ imports: [drain, TerminusModule], controllers, providers: [...providers, ...given] })(ExamplesModule);
  const app = await NestFactory.create(ExamplesModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const shutdown = app.get(GracefulShutdown);
  for (const Drainable of drainables) shutdown.register(new Drainable(consumer));

  // What takes jobs has one in progress when the application is closed.
  const ended = [];
  const queues = providers.map((each) => app.get(each)).filter((each) => typeof each.add === 'function');
  for (const queue of queues) {
    queue.add(async () => {
      await sleep(100);
      ended.push(`job of ${queue.name}`);
    });
  }
  shutdown.onShutdown('releasing', () => ended.push('drain'), { order: -1 });
  await app.close();
  const refused = queues.map((queue) => !queue.add(async () => undefined));

  const names = [...controllers, ...providers, ...drainables].map(({ name }) => name).sort();
  return { names, printed, ended, refused, report: await shutdown.closed };
}

/** Reports whether a file starts an application, or a test, of its own, or needs a server that is not there. */
function isRunOtherwise(file) {
  const needsServer = ['boss.js', 'mail.worker.js'].includes(file);
  return needsServer || file.endsWith('main.js') || file === 'app.module.js' || file.endsWith('.spec.js');
}
