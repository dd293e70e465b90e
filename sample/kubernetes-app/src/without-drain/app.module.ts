import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DatabaseModule } from '../database/database.module.js';
import { DatabaseHealthIndicator } from '../health/database.health.js';
import { OrdersModule } from '../orders/orders.module.js';
import { HealthController } from './health.controller.js';
import { OrderJournalHooks } from './order-journal.hooks.js';

/** The same application, stopped the way the Nest and Terminus documentation teach. */
@Module({
  imports: [
    // 0 is Terminus's default. The wait it makes on SIGTERM comes after every onModuleDestroy, pool included.
    TerminusModule.forRoot({ gracefulShutdownTimeoutMs: Number(process.env.TERMINUS_TIMEOUT_MS ?? 0) }),
    DatabaseModule,
    OrdersModule,
  ],
  controllers: [HealthController],
  providers: [DatabaseHealthIndicator, OrderJournalHooks],
})
export class AppModule {}
