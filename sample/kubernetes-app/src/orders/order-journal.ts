import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

interface Entry {
  orderId: number;
  text: string;
}

/**
 * What happened to which order, written in batches: the typical thing that must reach the database after the last
 * request and before the pool closes. Whoever composes the application decides when the last `flush()` happens.
 */
@Injectable()
export class OrderJournal {
  private static readonly BATCH = 50;
  private pending: Entry[] = [];

  constructor(private readonly database: Database) {}

  get unwritten(): number {
    return this.pending.length;
  }

  async record(orderId: number, text: string): Promise<void> {
    this.pending.push({ orderId, text });
    if (this.pending.length >= OrderJournal.BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    const entries = this.pending;
    this.pending = [];
    if (entries.length === 0) return;
    await this.database.query(
      'insert into order_journal (order_id, entry) select * from unnest($1::int[], $2::text[])',
      [entries.map((entry) => entry.orderId), entries.map((entry) => entry.text)],
    );
  }
}
