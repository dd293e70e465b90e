import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { type Order, ORDER_PLACED, PlacedOrders } from '../orders.js';

export const RABBIT = 'RABBIT';

@Injectable()
export class RabbitOrders extends PlacedOrders {
  constructor(@Inject(RABBIT) private readonly client: ClientProxy) {
    super();
  }

  /** Nest's client waits for the confirmation of the broker. */
  async place(order: Order): Promise<void> {
    await lastValueFrom(this.client.emit(ORDER_PLACED, order), { defaultValue: undefined });
  }
}
