import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { LedgerClient } from './ledger-client.js';

/** By the clock: each count that has begun is told in the log, and in the ledger when it has ended. */
@Injectable()
export class Counting {
  constructor(private readonly ledger: LedgerClient) {}

  @Interval(400)
  async count(): Promise<void> {
    const id = randomUUID();
    process.stdout.write(`counting ${id}\n`);
    await setTimeout(200);
    await this.ledger.record({ kind: 'counted', id });
  }
}
