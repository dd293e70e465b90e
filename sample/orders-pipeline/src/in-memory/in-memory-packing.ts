import { Injectable, Optional } from '@nestjs/common';
import { type Drainable, GracefulShutdown, type Leftover } from 'nestjs-drain';
import { type Order, PackingJobs } from '../orders.js';
import { Packing } from '../worker/packing.js';

/** Jobs that live in this process: nobody else could do them, so the drain does them all. */
@Injectable()
export class InMemoryPackingJobs extends PackingJobs implements Drainable {
  readonly name = 'packing jobs in memory';
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly packing: Packing,
    @Optional() shutdown?: GracefulShutdown,
  ) {
    super();
    shutdown?.register(this);
  }

  add(order: Order): Promise<void> {
    const job = this.packing.pack(order).finally(() => this.running.delete(job));
    this.running.add(job);
    return Promise.resolve();
  }

  async drain(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running);
  }

  forceClose(): Promise<readonly Leftover[]> {
    return Promise.resolve([...this.running].map(() => ({ kind: 'job', name: 'pack', ageMs: 0 })));
  }
}
