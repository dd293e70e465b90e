import { InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { type Job, type Queue } from 'bullmq';
import { type Order, PACKING_QUEUE, PackingJobs } from '../orders.js';
import { Packing } from './packing.js';

@Injectable()
export class BullPackingJobs extends PackingJobs {
  constructor(@InjectQueue(PACKING_QUEUE) private readonly queue: Queue<Order>) {
    super();
  }

  /** The id of the order is that of the job: an order that RabbitMQ brings twice is packed once. */
  async add(order: Order): Promise<void> {
    await this.queue.add('pack', order, { jobId: order.id, attempts: 1 });
  }
}

@Processor(PACKING_QUEUE, { concurrency: 8 })
export class PackingProcessor extends WorkerHost {
  constructor(private readonly packing: Packing) {
    super();
  }

  async process(job: Job<Order>): Promise<void> {
    await this.packing.pack(job.data);
  }
}
