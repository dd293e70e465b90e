/**
 * An application that a watcher restarts: it says on stdout that it listens, on the port `PORT`. `DRAIN` is what
 * `forRoot()` is given, as JSON; `false` leaves the module out.
 */
import 'reflect-metadata';
import { Controller, Get, Inject, Module, Optional } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GracefulShutdownModule, ReadinessHealthIndicator } from 'nestjs-drain';

const drain = JSON.parse(process.env.DRAIN ?? '{}');

class HealthController {
  constructor(readiness) {
    this.readiness = readiness;
  }
  async ready() {
    return (await this.readiness?.isReady('ready')) ?? {};
  }
  async slow() {
    console.log('in hand');
    await new Promise((resolve) => setTimeout(resolve, 700));
    return { isAnswered: true };
  }
}
Controller()(HealthController);
Inject(ReadinessHealthIndicator)(HealthController, undefined, 0);
Optional()(HealthController, undefined, 0);
for (const method of ['ready', 'slow']) {
  Get(method)(HealthController.prototype, method, Object.getOwnPropertyDescriptor(HealthController.prototype, method));
}

class AppModule {}
Module({
  imports: drain === false ? [] : [GracefulShutdownModule.forRoot(drain)],
  controllers: [HealthController],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
app.enableShutdownHooks();
await app.listen(Number(process.env.PORT), '127.0.0.1');
console.log(`listening ${process.pid}`);
