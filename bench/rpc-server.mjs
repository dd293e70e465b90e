/** One server of `rpc-sockets.mjs`: a Nest microservice over TCP, without the module or with the one it is told. */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload, Transport } from '@nestjs/microservices';

const [entry] = process.argv.slice(2);

class OrdersController {
  async find({ id }) {
    return { id };
  }
}
Payload()(OrdersController.prototype, 'find', 0);
const descriptor = Object.getOwnPropertyDescriptor(OrdersController.prototype, 'find');
MessagePattern('orders.find')(OrdersController.prototype, 'find', descriptor);
Controller()(OrdersController);
class AppModule {}
const { GracefulShutdownModule } = entry ? await import(entry) : {};
Module({
  imports: GracefulShutdownModule ? [GracefulShutdownModule.forRoot({})] : [],
  controllers: [OrdersController],
})(AppModule);
const options = { host: '127.0.0.1', port: 0 };
const app = await NestFactory.createMicroservice(AppModule, { transport: Transport.TCP, options, logger: false });
await app.listen();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send(user + system);
});
process.send((app.serverInstance ?? app.server).server.address().port);
