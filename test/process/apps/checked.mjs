/** An application that the startup checks have something to say about, as its settings ask for. */
import { Controller, Get } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { AllowDuringShutdown } from 'nestjs-drain';
import { create, decorate, enableHooks, follow, injectable, listen, settings, tell } from './kit.mjs';

class HealthController {
  constructor(health) {
    this.health = health;
  }
  live() {
    return this.health.check([]);
  }
}
Controller('health')(injectable(HealthController, HealthCheckService));
decorate(HealthController, 'live', Get('live'));
// What TypeScript leaves on a class.
if (settings.emitsTypes) Reflect.defineMetadata('design:paramtypes', [HealthCheckService], HealthController);
if (settings.isMarked !== false) AllowDuringShutdown()(HealthController);

const app = await create({ imports: [TerminusModule.forRoot(settings.terminus)], controllers: [HealthController] });
enableHooks(app);
follow(app);
await listen(app);
if (settings.keepAliveTimeout) app.getHttpServer().keepAliveTimeout = settings.keepAliveTimeout;
// Armed after that of the startup checks, and due no earlier: it fires after it.
setTimeout(() => tell('checked'), 1_000);
