import { CustomTransportStrategy, Server } from '@nestjs/microservices';
import { type DrainableStrategy } from 'nestjs-drain';
import { type Order, ORDER_PLACED, PlacedOrders } from '../orders.js';

/** Stands for the broker: it keeps what nobody takes. */
export class InMemoryOrders extends PlacedOrders {
  private readonly waiting: Order[] = [];
  private take?: (order: Order) => void;

  place(order: Order): Promise<void> {
    if (this.take) this.take(order);
    else this.waiting.push(order);
    return Promise.resolve();
  }

  consume(take: (order: Order) => void): void {
    this.take = take;
    for (const order of this.waiting.splice(0)) take(order);
  }

  stopConsuming(): void {
    this.take = undefined;
  }
}

/** One broker for both ends: they are in the same process. */
export const inMemoryOrders = new InMemoryOrders();

/** A transport of one's own is drained by one method: `stopConsuming()`. */
export class InMemoryStrategy extends Server implements CustomTransportStrategy, DrainableStrategy {
  override readonly transportId = Symbol('in memory');

  listen(callback: () => void): void {
    inMemoryOrders.consume(
      (order) => void this.handleEvent(ORDER_PLACED, { pattern: ORDER_PLACED, data: order }, {} as never),
    );
    callback();
  }

  stopConsuming(): void {
    inMemoryOrders.stopConsuming();
  }

  close(): void {}

  on(): never {
    throw new Error('It tells nothing.');
  }

  unwrap<T>(): T {
    return inMemoryOrders as T;
  }
}
