/** What the units of `bench/systemd.mjs` run where they do not run a worker of the process suite. */
import 'reflect-metadata';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GracefulShutdownModule } from 'nestjs-drain';

const { port, options } = JSON.parse(process.env.BENCH_SETTINGS);

class WorkController {
  async hold(ms) {
    await new Promise((resolve) => setTimeout(resolve, Number(ms)));
    return 'done';
  }
  hang() {
    while (Date.now() > 0);
  }
}
Controller()(WorkController);
for (const [method, path] of [
  ['hold', 'hold/:ms'],
  ['hang', 'hang'],
]) {
  Get(path)(WorkController.prototype, method, Object.getOwnPropertyDescriptor(WorkController.prototype, method));
}
Param('ms')(WorkController.prototype, 'hold', 0);

class AppModule {}
Module({ imports: [GracefulShutdownModule.forRoot(options)], controllers: [WorkController] })(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error', 'log'] });
app.enableShutdownHooks();
// `systemctl start` has to wait for it.
await new Promise((resolve) => setTimeout(resolve, 1_000));
await app.listen(port, '127.0.0.1');
