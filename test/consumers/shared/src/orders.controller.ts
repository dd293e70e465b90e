import { Controller, Get } from '@nestjs/common';
import { Database } from './database.js';
import { Work } from './work.js';

@Controller('orders')
export class OrdersController {
  constructor(
    private readonly database: Database,
    private readonly work: Work,
  ) {}

  @Get()
  async list(): Promise<{ order: string }> {
    await this.work.end();
    return { order: this.database.query() };
  }
}
