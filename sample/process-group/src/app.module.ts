import { Module } from '@nestjs/common';
import { GracefulShutdownModule } from 'nestjs-drain';
import { HealthController } from './health/health.controller.js';
import { OrderJournal } from './orders/order-journal.js';
import { OrdersController } from './orders/orders.controller.js';

@Module({
  imports: [GracefulShutdownModule.forRoot(10_000)],
  controllers: [OrdersController, HealthController],
  providers: [OrderJournal],
})
export class AppModule {}
