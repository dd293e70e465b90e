import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { ORDERS_QUEUE } from '../orders.js';
import { settings } from '../settings.js';
import { WorkerModule } from './worker.module.js';

const app = await NestFactory.createMicroservice<MicroserviceOptions>(WorkerModule, {
  transport: Transport.RMQ,
  // Twenty at a time: without a limit one worker would be handed the whole queue.
  options: { urls: [settings.rabbitUrl], queue: ORDERS_QUEUE, noAck: false, prefetchCount: 20 },
});
app.enableShutdownHooks();
await app.listen();
