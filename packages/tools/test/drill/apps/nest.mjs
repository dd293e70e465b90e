/**
 * A Nest application with a database that is closed in `onModuleDestroy`, on `PORT`: `node nest.mjs <manner>`.
 *
 * - `with`: nestjs-drain, set up as its README says, with times of a test
 * - `h2c`: the same over HTTP/2, by prior knowledge
 * - `without`: Nest's own shutdown hooks
 * - `not-watched`: nestjs-drain, and a readiness path that does not ask it
 * - `short-drain`: nestjs-drain, and a drain timeout below the slowest request (/slow, 1.5 s)
 */
import 'reflect-metadata';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { setTimeout as delay } from 'node:timers/promises';
import { AllowDuringShutdown, GracefulShutdownModule, ReadinessHealthIndicator } from 'nestjs-drain';
import { provider, route } from '../../../../../test/balancer/apps/decorate.mjs';

const manner = process.argv[2] ?? 'with';
const isHttp2 = manner === 'h2c';
/** Longer than balancers and clients take to leave, also on a busy machine. */
const lameDuck = { minMs: 2_500, quietMs: 100, maxMs: 4_000 };
const options = {
  with: { lameDuck },
  h2c: { lameDuck },
  'not-watched': {},
  // The slowest request outlives it, and new ones no longer come.
  'short-drain': { lameDuck: { ...lameDuck, minMs: 1_300 }, drainTimeoutMs: 200 },
};

class Database {
  isClosed = false;

  async query(ms) {
    await delay(ms);
    if (this.isClosed) throw new Error('The database has been closed.');
    return 'answer';
  }

  onModuleDestroy() {
    this.isClosed = true;
  }
}
provider(Database, [], Injectable());

class OrdersController {
  constructor(database) {
    this.database = database;
  }

  quick() {
    return this.database.query(20);
  }

  slow() {
    return this.database.query(1_500);
  }
}
provider(OrdersController, [Database], Controller());
route(OrdersController, 'quick', [Get()]);
route(OrdersController, 'slow', [Get('slow')]);

class HealthController {
  constructor(readiness) {
    this.readiness = readiness;
  }

  async ready() {
    const { ready } = await this.readiness.isReady('ready');
    if (ready.status !== 'up') throw new (await import('@nestjs/common')).ServiceUnavailableException();
    return ready;
  }
}
provider(HealthController, [ReadinessHealthIndicator], Controller('health'), AllowDuringShutdown());
route(HealthController, 'ready', [Get('ready')]);

class PlainHealthController {
  ready() {
    return 'ready';
  }
}
provider(PlainHealthController, [], Controller('health'), AllowDuringShutdown());
route(PlainHealthController, 'ready', [Get('ready')]);

class AppModule {}
const asksModule = manner in options && manner !== 'not-watched';
Module({
  imports: manner === 'without' ? [] : [GracefulShutdownModule.forRoot(options[manner])],
  controllers: [OrdersController, asksModule ? HealthController : PlainHealthController],
  providers: [Database],
})(AppModule);

const app = await NestFactory.create(AppModule, ...(await adapters()), { logger: ['warn', 'error', 'fatal'] });
app.enableShutdownHooks();
if (!isHttp2) app.getHttpServer().keepAliveTimeout = 75_000;
await app.listen(Number(process.env.PORT), '127.0.0.1');

async function adapters() {
  if (!isHttp2) return [];
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return [new FastifyAdapter({ http2: true })];
}
