import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { AllowDuringShutdown, ReadinessHealthIndicator } from 'nestjs-drain';
import { provider, route } from './decorate.mjs';

const live = (target) => {
  target.prototype.live = function () {
    return this.health.check([]);
  };
  route(target, 'live', [Get('live'), HealthCheck()]);
};

/** As the README says. */
export class DrainingHealthController {
  constructor(health, readiness) {
    this.health = health;
    this.readiness = readiness;
  }

  ready() {
    return this.health.check([() => this.readiness.isReady('ready')]);
  }
}

route(DrainingHealthController, 'ready', [Get('ready'), HealthCheck()]);
live(DrainingHealthController);
provider(
  DrainingHealthController,
  [HealthCheckService, ReadinessHealthIndicator],
  Controller('health'),
  AllowDuringShutdown(),
);

/** As an application without nestjs-drain has it. */
export class PlainHealthController {
  constructor(health) {
    this.health = health;
  }

  ready() {
    return this.health.check([]);
  }
}

route(PlainHealthController, 'ready', [Get('ready'), HealthCheck()]);
live(PlainHealthController);
provider(PlainHealthController, [HealthCheckService], Controller('health'));
