import { Readable } from 'node:stream';
import {
  Body,
  Controller,
  DefaultValuePipe,
  Get,
  Param,
  ParseIntPipe,
  Post,
  Query,
  StreamableFile,
} from '@nestjs/common';
import type { NewOrder, Order, OrderReport } from './order.js';
import { OrdersService } from './orders.service.js';
import { ParseNewOrderPipe } from './parse-new-order.pipe.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Get()
  async list(@Query('after', new DefaultValuePipe(0), ParseIntPipe) after: number): Promise<{ orders: Order[] }> {
    return { orders: await this.orders.list(after) };
  }

  @Get('report')
  report(): Promise<OrderReport> {
    return this.orders.report();
  }

  @Get('export')
  export(): StreamableFile {
    return new StreamableFile(Readable.from(this.orders.export(), { objectMode: false }), {
      type: 'application/x-ndjson',
    });
  }

  @Get(':id')
  get(@Param('id', ParseIntPipe) id: number): Promise<Order> {
    return this.orders.get(id);
  }

  @Post()
  create(@Body(ParseNewOrderPipe) order: NewOrder): Promise<Order> {
    return this.orders.create(order);
  }
}
