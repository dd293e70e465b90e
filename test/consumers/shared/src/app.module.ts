import { type DynamicModule, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { GracefulShutdownModule, type GracefulShutdownOptions } from 'nestjs-drain';
import { Database } from './database.js';
import { HealthController } from './health.controller.js';
import { OrdersController } from './orders.controller.js';
import { Work } from './work.js';

@Module({})
export class AppModule {
  static with(options: number | GracefulShutdownOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [GracefulShutdownModule.forRoot(options), TerminusModule],
      controllers: [OrdersController, HealthController],
      providers: [Database, Work],
    };
  }
}
