import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { AllowDuringShutdown, ReadinessHealthIndicator } from 'nestjs-drain';
import { DatabaseHealthIndicator } from './database.health.js';

/**
 * `ready` fails from the moment the pod is told to go; `live` stays 200 for as long as anything can connect, so that
 * the kubelet never restarts a pod that is finishing its work.
 */
@AllowDuringShutdown()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly readiness: ReadinessHealthIndicator,
    private readonly database: DatabaseHealthIndicator,
  ) {}

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.readiness.isReady('ready'), () => this.database.isUp('database')]);
  }

  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([]);
  }
}
