import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { OrderJournal } from '../orders/order-journal.js';

/** The root module is destroyed first, so the pool is still open here; what later requests record is lost. */
@Injectable()
export class OrderJournalHooks implements OnModuleDestroy {
  constructor(private readonly journal: OrderJournal) {}

  async onModuleDestroy(): Promise<void> {
    await this.journal.flush();
  }
}
