import { Controller, Get, HttpException, Inject, Injectable } from '@nestjs/common';
import { ClsModule, ClsService } from 'nestjs-cls';
import { assemble, type MakeApplication } from '../application.js';

@Injectable()
class Tenant {
  constructor(@Inject(ClsService) private readonly cls: ClsService) {}

  async current(): Promise<unknown> {
    await new Promise((resolve) => setTimeout(resolve, 3));
    return { tenant: this.cls.get<string>('tenant') ?? null, id: this.cls.getId() };
  }
}

@Controller()
class TenantController {
  constructor(@Inject(Tenant) private readonly tenant: Tenant) {}

  @Get('tenant')
  find() {
    return this.tenant.current();
  }

  @Get('failing')
  async failing() {
    throw new HttpException({ ...((await this.tenant.current()) as object) }, 409);
  }
}

type Request = { headers: Record<string, string | undefined> };

export const make: MakeApplication = (variant) =>
  assemble(variant, {
    imports: [
      ClsModule.forRoot({
        global: true,
        middleware: {
          mount: true,
          generateId: true,
          idGenerator: (request: Request) => request.headers['x-id'] ?? 'none',
          setup: (cls, request: Request) => cls.set('tenant', request.headers['x-tenant']),
        },
      }),
    ],
    controllers: [TenantController],
    providers: [Tenant],
  });
