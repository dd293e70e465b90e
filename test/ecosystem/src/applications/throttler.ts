import { Controller, Get } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { SkipThrottle, Throttle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { assemble, type MakeApplication } from '../application.js';

@Controller()
class LimitedController {
  @Get('limited')
  @Throttle({ default: { limit: 2, ttl: 60_000 } })
  limited() {
    return 'within the limit';
  }

  @Get('free')
  @SkipThrottle()
  free() {
    return 'free';
  }
}

export const make: MakeApplication = (variant) =>
  assemble(variant, {
    imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 1_000 }])],
    controllers: [LimitedController],
    providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
  });
