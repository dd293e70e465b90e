import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ClientsModule } from '@nestjs/microservices';
import { ScheduleModule } from '@nestjs/schedule';
import { TerminusModule } from '@nestjs/terminus';
import { type Server } from 'node:http';
import { OrdersController } from '../api/orders.controller.js';
import { drainModules } from '../drain.module.js';
import { HealthController } from '../health.controller.js';
import { PackingJobs, PlacedOrders } from '../orders.js';
import { settings } from '../settings.js';
import { Counting } from '../worker/counting.js';
import { LedgerClient, ledgerClientOptions } from '../worker/ledger-client.js';
import { PackedListener, Packing } from '../worker/packing.js';
import { PlacedController } from '../worker/placed.controller.js';
import { inMemoryOrders, InMemoryStrategy } from './in-memory-orders.js';
import { InMemoryPackingJobs } from './in-memory-packing.js';

/** API and worker in one process, for machines without RabbitMQ and Redis. The ledger is a process as ever. */
@Module({
  imports: [
    ...drainModules,
    TerminusModule,
    ScheduleModule.forRoot(),
    EventEmitterModule.forRoot(),
    ClientsModule.register([ledgerClientOptions]),
  ],
  controllers: [OrdersController, PlacedController, HealthController],
  providers: [
    { provide: PlacedOrders, useValue: inMemoryOrders },
    { provide: PackingJobs, useClass: InMemoryPackingJobs },
    Packing,
    PackedListener,
    Counting,
    LedgerClient,
  ],
})
class InMemoryModule {}

const app = await NestFactory.create(InMemoryModule);
app.enableShutdownHooks();
(app.getHttpServer() as Server).keepAliveTimeout = 65_000;
app.connectMicroservice({ strategy: new InMemoryStrategy() });
await app.startAllMicroservices();
await app.listen(settings.httpPort, '127.0.0.1');
