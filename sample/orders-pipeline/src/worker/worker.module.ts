import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ClientsModule } from '@nestjs/microservices';
import { ScheduleModule } from '@nestjs/schedule';
import { drainModules } from '../drain.module.js';
import { PACKING_QUEUE, PackingJobs } from '../orders.js';
import { settings } from '../settings.js';
import { BullPackingJobs, PackingProcessor } from './bull-packing.js';
import { Counting } from './counting.js';
import { LedgerClient, ledgerClientOptions } from './ledger-client.js';
import { PackedListener, Packing } from './packing.js';
import { PlacedController } from './placed.controller.js';

@Module({
  imports: [
    ...drainModules,
    BullModule.forRoot({ connection: { host: '127.0.0.1', port: settings.redisPort } }),
    BullModule.registerQueue({ name: PACKING_QUEUE }),
    ScheduleModule.forRoot(),
    EventEmitterModule.forRoot(),
    ClientsModule.register([ledgerClientOptions]),
  ],
  controllers: [PlacedController],
  providers: [
    { provide: PackingJobs, useClass: BullPackingJobs },
    PackingProcessor,
    Packing,
    PackedListener,
    Counting,
    LedgerClient,
  ],
})
export class WorkerModule {}
