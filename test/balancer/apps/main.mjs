/**
 * The application that is rolled: `node main.mjs <express|fastify> <with|without>` nestjs-drain, on `PORT`.
 *
 * nestjs-drain has its default options. What the shutdown tells is printed as lines of JSON, for the test to read.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { GracefulShutdown, GracefulShutdownModule } from 'nestjs-drain';
import { Database } from './database.mjs';
import { DrainingHealthController, PlainHealthController } from './health.mjs';
import { OrdersController } from './orders.mjs';

const [, , adapterName, manner] = process.argv;
const drains = manner === 'with';

class AppModule {}
Module({
  // Without its own logger: it would write a stack trace for every probe that fails.
  imports: [TerminusModule.forRoot({ logger: false }), ...(drains ? [GracefulShutdownModule.forRoot()] : [])],
  controllers: [OrdersController, drains ? DrainingHealthController : PlainHealthController],
  providers: [Database],
})(AppModule);

const startedAt = performance.now();
const app = await NestFactory.create(AppModule, await adapter(adapterName), { logger: ['warn', 'error', 'fatal'] });
app.enableShutdownHooks();
const server = app.getHttpServer();
// Above what the balancers keep an idle connection for, or Node would close it under them.
server.keepAliveTimeout = 75_000;
server.headersTimeout = 76_000;
if (drains) tell(app.get(GracefulShutdown));
await app.listen(Number(process.env.PORT), '127.0.0.1');

async function adapter(name) {
  if (name === 'express') return new (await import('@nestjs/platform-express')).ExpressAdapter();
  if (name === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  throw new Error(`Expected express or fastify, got ${name}.`);
}

/**
 * How much was asked before the signal, which is what the effective quiet depends on, when the last request of the lame
 * duck came, and the report.
 */
function tell(shutdown) {
  let requests = 0;
  let lastArrivalAt = 0;
  let lameDuckAt;
  server.on('request', ({ url }) => {
    if (!url.startsWith('/orders')) return;
    requests++;
    lastArrivalAt = performance.now();
  });
  shutdown.events.subscribe((event) => {
    if (event.type === 'phase' && event.phase === 'lame-duck') {
      lameDuckAt = performance.now();
      print({ traffic: { requests, ms: lameDuckAt - startedAt } });
    }
    if (event.type === 'phase' && event.phase === 'draining') print({ lastArrivalMs: lastArrivalAt - lameDuckAt });
    if (event.type === 'report') print({ report: event.report });
  });
}

function print(line) {
  console.log(JSON.stringify(line));
}
