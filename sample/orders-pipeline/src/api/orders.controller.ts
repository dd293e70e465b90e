import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { type Order, PlacedOrders } from '../orders.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly placed: PlacedOrders) {}

  /** 202 is a promise: from here on the order is with the broker. */
  @Post()
  @HttpCode(202)
  async place(@Body() { id, item }: Order): Promise<{ id: string }> {
    await this.placed.place({ id, item });
    return { id };
  }
}
