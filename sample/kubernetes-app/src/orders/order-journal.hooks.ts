import { Injectable } from '@nestjs/common';
import { OnShutdown } from 'nestjs-drain';
import { OrderJournal } from './order-journal.js';

/** Writes the last batch once no request can add to it any more, while the pool is still open. */
@Injectable()
export class OrderJournalHooks {
  constructor(private readonly journal: OrderJournal) {}

  @OnShutdown('releasing', { name: 'order journal', timeoutMs: 3_000 })
  async writeTheRest(): Promise<void> {
    await this.journal.flush();
  }
}
