import { Module } from '@nestjs/common';
import { GracefulShutdownModule } from 'nestjs-drain';
import { HealthModule } from './health/health.module.js';
import { OrderJournalHooks } from './orders/order-journal.hooks.js';
import { OrdersModule } from './orders/orders.module.js';
import { shutdownOptions } from './shutdown.options.js';

@Module({
  imports: [GracefulShutdownModule.forRoot(shutdownOptions), OrdersModule, HealthModule],
  providers: [OrderJournalHooks],
})
export class AppModule {}
