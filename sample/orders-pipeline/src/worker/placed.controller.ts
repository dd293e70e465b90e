import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import { type Order, ORDER_PLACED, PackingJobs } from '../orders.js';

/** As much of the channel as is used. */
interface Channel {
  ack(message: unknown): void;
}

@Controller()
export class PlacedController {
  constructor(private readonly packing: PackingJobs) {}

  /** Acknowledged when the job is safe in Redis: until then RabbitMQ would hand the order to another worker. */
  @EventPattern(ORDER_PLACED)
  async placed(@Payload() order: Order, @Ctx() context: unknown): Promise<void> {
    await this.packing.add(order);
    if (context instanceof RmqContext) (context.getChannelRef() as Channel).ack(context.getMessage());
  }
}
