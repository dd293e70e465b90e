/** A microservice over TCP, whose messages are answered when the test wants. */
import { Controller, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Transport } from '@nestjs/microservices';
import { InFlightInterceptor } from 'nestjs-drain';
import { decorate, enableHooks, follow, injectable, moduleOf, settings, tell, told } from './kit.mjs';

class Database {
  isOpen = true;
  onModuleDestroy() {
    tell('destroyed');
    this.isOpen = false;
  }
}
injectable(Database);

class OrdersController {
  constructor(database) {
    this.database = database;
  }
  async held() {
    tell('held');
    await told('release');
    return { isOpen: this.database.isOpen };
  }
}
Controller()(injectable(OrdersController, Database));
decorate(OrdersController, 'held', MessagePattern('held'));
if (settings.drain !== false) UseInterceptors(InFlightInterceptor)(OrdersController);

const app = await NestFactory.createMicroservice(moduleOf({ controllers: [OrdersController], providers: [Database] }), {
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port: 0 },
});
enableHooks(app);
follow(app);
void told('close').then(() => app.close());
await app.listen();
tell('started', { port: app.unwrap().address().port });
