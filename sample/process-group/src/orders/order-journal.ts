import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';

/**
 * Where all processes write their orders: one line each, at the end of one file. It is closed in `onModuleDestroy`, as
 * a connection to a database is, and nothing can be written from then on.
 */
@Injectable()
export class OrderJournal implements OnModuleInit, OnModuleDestroy {
  private file?: FileHandle;

  async onModuleInit(): Promise<void> {
    this.file = await open(resolve(process.env.ORDERS_FILE ?? 'orders.jsonl'), 'a');
  }

  async write(order: object): Promise<void> {
    if (!this.file) throw new Error('The journal is closed.');
    await this.file.appendFile(`${JSON.stringify(order)}\n`);
  }

  async onModuleDestroy(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }
}
