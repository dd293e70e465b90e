/**
 * An application that shares its port with others: a worker of `group-primary.mjs`, of `nestjs-drain serve`, or of PM2.
 * Its settings are in DRAIN_SETTINGS, as JSON: with a `certificate` it speaks HTTP/2, and `drain: false` leaves the
 * module out, for controls.
 */
import 'reflect-metadata';
import { Body, Controller, Get, HttpCode, Inject, Injectable, Module, Post, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { appendFileSync, existsSync } from 'node:fs';
import { GracefulShutdownModule, ReadinessHealthIndicator } from 'nestjs-drain';

const settings = JSON.parse(process.env.DRAIN_SETTINGS ?? '{}');
// A control: the module does not learn that it runs in a worker.
if (settings.isBlind) {
  const { getBuiltinModule } = process;
  process.getBuiltinModule = (name) => (name === 'node:cluster' ? {} : getBuiltinModule(name));
}

function decorate(target, method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method);
  for (const decorator of decorators) decorator(target.prototype, method, descriptor);
}

class Database {
  isOpen = true;
  onModuleDestroy() {
    this.isOpen = false;
    if (settings.gate) console.log('the database is closed');
  }
}
Injectable()(Database);

class OrdersController {
  constructor(database) {
    this.database = database;
  }
  async list() {
    return this.answer(1);
  }
  async slow() {
    return this.answer(300);
  }
  /** Until the file `settings.gate` is there. */
  async held() {
    console.log('in hand');
    while (!existsSync(settings.gate)) await new Promise((resolve) => setTimeout(resolve, 20));
    return this.answer(0);
  }
  async pay({ id }) {
    // One line a payment: whoever counts them sees what was done twice, or never.
    appendFileSync(settings.ledger, `${id}\n`);
    return this.answer(20);
  }
  async answer(ms) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (!this.database.isOpen) throw new Error('the database is closed');
    return { pid: process.pid };
  }
}
Controller()(OrdersController);
Inject(Database)(OrdersController, undefined, 0);
decorate(OrdersController, 'list', Get('orders'));
decorate(OrdersController, 'slow', Get('slow'));
decorate(OrdersController, 'held', Get('held'));
decorate(OrdersController, 'pay', Post('pay'), HttpCode(200));
Body()(OrdersController.prototype, 'pay', 0);

class HealthController {
  constructor(readiness) {
    this.readiness = readiness;
  }
  async ready(response) {
    const { ready } = await this.readiness.isReady('ready');
    response.status(ready.status === 'up' ? 200 : 503);
    return ready;
  }
}
Controller('health')(HealthController);
Inject(ReadinessHealthIndicator)(HealthController, undefined, 0);
decorate(HealthController, 'ready', Get('ready'));
Res({ passthrough: true })(HealthController.prototype, 'ready', 0);

class Gateway {}
const { WebSocketGateway } = settings.webSockets ? await import('@nestjs/websockets') : {};
WebSocketGateway?.()(Gateway);

const hasDrain = settings.drain !== false;
class AppModule {}
Module({
  imports: hasDrain ? [GracefulShutdownModule.forRoot(settings.drain ?? 10_000)] : [],
  controllers: [OrdersController, ...(hasDrain ? [HealthController] : [])],
  providers: [Database, ...(settings.webSockets ? [Gateway] : [])],
})(AppModule);

const { FastifyAdapter } = settings.framework === 'fastify' ? await import('@nestjs/platform-fastify') : {};
const http2 = settings.certificate ? { http2: true, https: settings.certificate } : {};
const app = await NestFactory.create(AppModule, ...(FastifyAdapter ? [new FastifyAdapter(http2)] : []), {
  logger: ['warn', 'error'],
});
if (settings.webSockets) {
  const { WsAdapter } = await import('@nestjs/platform-ws');
  app.useWebSocketAdapter(new WsAdapter(app));
}
app.enableShutdownHooks();
await app.listen(settings.fd === undefined ? settings.port : { fd: settings.fd }, '127.0.0.1');
