import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { Database } from '../database/database.js';

@Injectable()
export class DatabaseHealthIndicator {
  constructor(
    private readonly indicator: HealthIndicatorService,
    private readonly database: Database,
  ) {}

  async isUp(key: string): Promise<HealthIndicatorResult> {
    return this.indicator
      .check(key)
      .attempt(() => this.database.ping())
      .withTimeout(800); // below the probe's own timeoutSeconds: 1
  }
}
