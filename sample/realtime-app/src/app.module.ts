import { Module } from '@nestjs/common';
import { GracefulShutdownModule } from 'nestjs-drain';
import { HealthModule } from './health/health.module.js';
import { LiveModule } from './live/live.module.js';
import { shutdownOptions } from './shutdown.options.js';

@Module({ imports: [GracefulShutdownModule.forRoot(shutdownOptions), LiveModule, HealthModule] })
export class AppModule {}
