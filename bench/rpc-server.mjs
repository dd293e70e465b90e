/** One server of `rpc-sockets.mjs`: a Nest microservice over TCP or gRPC, without the module or with that of an entry. */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcMethod, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { freePort } from '../packages/tools/dist/esm/drill/free-port.js';

const [transport, protoPath, entry] = process.argv.slice(2);

class OrdersController {
  async find({ id }) {
    return { id };
  }
  async create({ id }) {
    return { id, n: 1 };
  }
}
Payload()(OrdersController.prototype, 'find', 0);
const descriptor = Object.getOwnPropertyDescriptor(OrdersController.prototype, 'find');
MessagePattern('orders.find')(OrdersController.prototype, 'find', descriptor);
GrpcMethod('Orders')(
  OrdersController.prototype,
  'create',
  Object.getOwnPropertyDescriptor(OrdersController.prototype, 'create'),
);
Controller()(OrdersController);
class AppModule {}
const { GracefulShutdownModule } = entry ? await import(entry) : {};
Module({
  imports: GracefulShutdownModule ? [GracefulShutdownModule.forRoot({})] : [],
  controllers: [OrdersController],
})(AppModule);
const port = await freePort();
const of = {
  tcp: { transport: Transport.TCP, options: { host: '127.0.0.1', port } },
  grpc: { transport: Transport.GRPC, options: { url: `127.0.0.1:${port}`, package: 'orders', protoPath } },
};
const app = await NestFactory.createMicroservice(AppModule, { ...of[transport], logger: false });
await app.listen();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send(user + system);
});
process.send(port);
