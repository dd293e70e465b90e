import { Controller, Get, Optional } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { AllowDuringShutdown, ReadinessHealthIndicator } from 'nestjs-drain';

@AllowDuringShutdown()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    // Missing in the part of the tests that goes without the module.
    @Optional() private readonly readiness?: ReadinessHealthIndicator,
  ) {}

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    const { readiness } = this;
    return this.health.check(readiness ? [() => readiness.isReady('ready')] : []);
  }
}
