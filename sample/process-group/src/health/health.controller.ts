import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { AllowDuringShutdown, ReadinessHealthIndicator } from 'nestjs-drain';
import { release } from '../release.js';

@AllowDuringShutdown()
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: ReadinessHealthIndicator) {}

  /** What `nestjs-drain serve` asks a new worker before clients reach it, and what a balancer asks all the time. */
  @Get('ready')
  async ready(): Promise<object> {
    const result = await this.readiness.isReady('ready');
    if (result.ready?.status !== 'up') throw new ServiceUnavailableException(result);
    return result;
  }

  /** Which release answers, and in which process. */
  @Get('release')
  release(): { release: string; pid: number } {
    return { release, pid: process.pid };
  }
}
