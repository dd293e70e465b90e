import { Controller, Get, HttpCode, Injectable, type OnModuleDestroy, Param, Post, Sse } from '@nestjs/common';
import { type INestApplication, ServiceUnavailableException } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { NEVER, type Observable } from 'rxjs';
import {
  AllowDuringShutdown,
  GracefulShutdownModule,
  type GracefulShutdownOptions,
  ReadinessHealthIndicator,
} from 'nestjs-drain';
import { type Framework } from '../../../../../test/support/applications.js';

/** A pool that closes as the Nest documentation teaches. */
@Injectable()
export class Database implements OnModuleDestroy {
  private isOpen = true;

  query(): string {
    if (!this.isOpen) throw new Error('Cannot use a pool after calling end on the pool');
    return 'an order';
  }

  onModuleDestroy(): void {
    this.isOpen = false;
  }
}

@Controller()
export class OrdersController {
  constructor(private readonly database: Database) {}

  @Get('orders')
  list(): object {
    return { order: this.database.query() };
  }

  @Get('orders/:id')
  find(@Param('id') id: string): object {
    return { id, order: this.database.query() };
  }

  @Post('orders')
  @HttpCode(204)
  create(): void {
    this.database.query();
  }

  @Get('broken')
  broken(): never {
    throw new Error('broken');
  }

  @Sse('ticks')
  ticks(): Observable<never> {
    return NEVER;
  }
}

@Controller('health')
@AllowDuringShutdown()
class HealthController {
  constructor(private readonly readiness: ReadinessHealthIndicator) {}

  @Get('ready')
  async ready(): Promise<object> {
    const result = await this.readiness.isReady('ready');
    if (result.ready.status === 'down') throw new ServiceUnavailableException(result);
    return result;
  }
}

/** An application as its user's test makes one; `drain: false` leaves the module out. */
export async function createOrders(
  framework: Framework,
  drain: GracefulShutdownOptions | false = {},
): Promise<INestApplication> {
  const module = await Test.createTestingModule({
    imports: drain ? [GracefulShutdownModule.forRoot(drain)] : [],
    controllers: [OrdersController, ...(drain ? [HealthController] : [])],
    providers: [Database],
  }).compile();
  const adapter = framework === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  return module.createNestApplication<INestApplication>(adapter as ExpressAdapter, { logger: false });
}
