import { BadRequestException, Body, Controller, Get, Post } from '@nestjs/common';
import { setTimeout } from 'node:timers/promises';
import { release } from '../release.js';
import { OrderJournal } from './order-journal.js';

/** How long the report takes, ms: queries, in a real application. */
const reportMs = 600;

@Controller('orders')
export class OrdersController {
  constructor(private readonly journal: OrderJournal) {}

  @Post()
  async create(@Body() { id }: { id?: unknown } = {}): Promise<{ id: string; release: string }> {
    if (typeof id !== 'string') throw new BadRequestException('Expected an order with an id.');
    await this.journal.write({ id, release });
    return { id, release };
  }

  @Get('report')
  async report(): Promise<{ release: string; pid: number }> {
    await setTimeout(reportMs);
    return { release, pid: process.pid };
  }
}
