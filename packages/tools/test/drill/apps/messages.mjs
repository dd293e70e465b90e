/**
 * A Nest microservice, or a worker, that writes what it executes where the drill says: `node messages.mjs <transport>
 * <with|without>`, nestjs-drain or not. TCP and gRPC listen on `PORT`; the others go to `BROKER_URL`, and their queue is
 * `QUEUE`.
 */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, GrpcMethod, MessagePattern, Payload } from '@nestjs/microservices';
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [transport, manner] = process.argv.slice(2);
const { PORT, BROKER_URL, QUEUE, DRILL_LEDGER } = process.env;
const port = Number(PORT);
const workMs = 100;

async function work({ id }) {
  appendFileSync(DRILL_LEDGER, `${id}\n`);
  await delay(workMs);
  return { done: id };
}

const address = BROKER_URL && new URL(BROKER_URL);
const servers = {
  tcp: { transport: 0, options: { host: '127.0.0.1', port } },
  redis: { transport: 1, options: { host: address?.hostname, port: Number(address?.port) } },
  nats: { transport: 2, options: { servers: [BROKER_URL], queue: QUEUE } },
  mqtt: { transport: 3, options: { url: BROKER_URL, subscribeOptions: { qos: 1 } } },
  grpc: {
    transport: 4,
    options: {
      package: 'orders',
      protoPath: fileURLToPath(new URL('orders.proto', import.meta.url)),
      url: `127.0.0.1:${port}`,
    },
  },
  rabbitmq: {
    transport: 5,
    options: { urls: [BROKER_URL], queue: QUEUE, queueOptions: { durable: false } },
  },
};

class OrdersController {
  async create(order) {
    return work(order);
  }

  async paid(order) {
    await work(order);
  }
}
Controller()(OrdersController);
const shared = transport === 'mqtt' ? `$share/${QUEUE}/` : '';
if (transport === 'grpc') decorate('create', GrpcMethod('Orders', 'Create'));
else {
  decorate('create', MessagePattern(`${shared}orders.create`));
  decorate('paid', EventPattern(`${shared}orders.paid`));
}

function decorate(method, decorator) {
  Payload()(OrdersController.prototype, method, 0);
  decorator(OrdersController.prototype, method, Object.getOwnPropertyDescriptor(OrdersController.prototype, method));
}

const imports = [];
if (manner === 'with') {
  const { GracefulShutdownModule } = await import('nestjs-drain');
  imports.push(GracefulShutdownModule.forRoot({ lameDuck: { minMs: 2_500, quietMs: 100, maxMs: 5_000 } }));
}
class AppModule {}
Module({ imports, controllers: [OrdersController] })(AppModule);

const app = await NestFactory.createMicroservice(AppModule, servers[transport]);
app.enableShutdownHooks();
await app.listen();
