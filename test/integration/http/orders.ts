import {
  type CanActivate,
  Body,
  Controller,
  type ExecutionContext,
  Get,
  HttpCode,
  Injectable,
  type OnModuleDestroy,
  Optional,
  Param,
  Post,
  Res,
  ServiceUnavailableException,
  UseGuards,
} from '@nestjs/common';
import { type ServerResponse } from 'node:http';
import { AllowDuringShutdown, ReadinessHealthIndicator } from '../../../src/index.js';
import { type ApplicationSetup, type Platform, type RunningApplication, start } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';

/** Opens with the application, and closes when Nest destroys its providers. */
@Injectable()
export class Database implements OnModuleDestroy {
  isOpen = true;
  onModuleDestroy(): void {
    this.isOpen = false;
  }
}

/** A response, raw or wrapped by Fastify. */
export function rawResponse(response: object): ServerResponse {
  const fastify = response as { hijack?(): void; raw?: ServerResponse };
  fastify.hijack?.();
  return fastify.raw ?? (response as ServerResponse);
}

export interface Orders extends RunningApplication {
  /** What holds `GET /orders/<name>`, `GET /stream/<name>`, and the guard of `GET /guarded/<name>`. */
  gate(name: string): Gate;
  /** Handlers and guards that were executed, in order. */
  readonly executed: readonly string[];
}

/**
 * An application with a route of every kind:
 *
 * - `GET /orders`, `POST /orders` answer at once
 * - `GET /orders/:name` waits at its gate, and tells whether the database is open
 * - `GET /stream/:name` sends its head and `begun `, waits at its gate, and ends with `ended`
 * - `GET /guarded/:name` waits at its gate in the guard
 * - `GET /health/live` is exempt; `GET /health/ready` asks the readiness indicator, and is learnt
 * - `/middleware` and below is answered by a middleware
 */
export async function startOrders(platform: Platform, setup: ApplicationSetup = {}): Promise<Orders> {
  const gates = new Map<string, Gate>();
  const executed: string[] = [];
  const gate = (name: string): Gate => {
    const found = gates.get(name) ?? new Gate();
    gates.set(name, found);
    return found;
  };

  @Injectable()
  class SlowGuard implements CanActivate {
    async canActivate(context: ExecutionContext): Promise<boolean> {
      const { params } = context.switchToHttp().getRequest<{ params: { name: string } }>();
      executed.push(`guard ${params.name}`);
      await gate(params.name).pass();
      return true;
    }
  }

  @Controller()
  class OrdersController {
    constructor(private readonly database: Database) {}

    @Get('orders')
    list(): object {
      executed.push('GET /orders');
      return { isOpen: this.database.isOpen };
    }

    @Post('orders')
    @HttpCode(201)
    create(@Body() body: unknown): object {
      executed.push('POST /orders');
      return { isOpen: this.database.isOpen, body };
    }

    @Get('orders/:name')
    async find(@Param('name') name: string): Promise<object> {
      executed.push(`GET /orders/${name}`);
      await gate(name).pass();
      return { name, isOpen: this.database.isOpen };
    }

    @Get('stream/:name')
    async stream(@Param('name') name: string, @Res() response: object): Promise<void> {
      const raw = rawResponse(response);
      raw.write('begun ');
      await gate(name).pass();
      raw.end('ended');
    }

    @Get('guarded/:name')
    @UseGuards(SlowGuard)
    guarded(@Param('name') name: string): object {
      executed.push(`GET /guarded/${name}`);
      return { isOpen: this.database.isOpen };
    }
  }

  @Controller('health')
  class HealthController {
    constructor(@Optional() private readonly readiness?: ReadinessHealthIndicator) {}

    @Get('live')
    @AllowDuringShutdown()
    live(): object {
      return { status: 'up' };
    }

    @Get('ready')
    async ready(): Promise<object> {
      const result = await this.readiness?.isReady('ready');
      if (result?.ready.status === 'down') throw new ServiceUnavailableException(result);
      return result ?? {};
    }
  }

  const running = await start(platform, {
    ...setup,
    controllers: [OrdersController, HealthController, ...(setup.controllers ?? [])],
    providers: [Database, ...(setup.providers ?? [])],
    prepare: async (app) => {
      await setup.prepare?.(app);
      app.use('/middleware', (_request: unknown, response: ServerResponse) => {
        executed.push('/middleware');
        response.end('from the middleware');
      });
    },
  });
  return { ...running, gate, executed };
}
