import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LiveModule } from '../live/live.module.js';
import { HealthController } from './health.controller.js';

/** The same application without nestjs-drain. */
@Module({ imports: [LiveModule, TerminusModule], controllers: [HealthController] })
export class AppModule {}
