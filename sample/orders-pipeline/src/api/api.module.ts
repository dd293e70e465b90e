import { Module } from '@nestjs/common';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { TerminusModule } from '@nestjs/terminus';
import { drainModules } from '../drain.module.js';
import { HealthController } from '../health.controller.js';
import { ORDERS_QUEUE, PlacedOrders } from '../orders.js';
import { settings } from '../settings.js';
import { OrdersController } from './orders.controller.js';
import { RABBIT, RabbitOrders } from './rabbit-orders.js';

@Module({
  imports: [
    ...drainModules,
    TerminusModule,
    ClientsModule.register([
      {
        name: RABBIT,
        transport: Transport.RMQ,
        options: { urls: [settings.rabbitUrl], queue: ORDERS_QUEUE, persistent: true },
      },
    ]),
  ],
  controllers: [OrdersController, HealthController],
  providers: [{ provide: PlacedOrders, useClass: RabbitOrders }],
})
export class ApiModule {}
