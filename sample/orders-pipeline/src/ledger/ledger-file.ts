import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { settings } from '../settings.js';

/** Stands for a database: it is closed as the Nest documentation teaches, and whoever uses it afterwards fails. */
@Injectable()
export class LedgerFile implements OnModuleDestroy {
  private readonly file: Promise<FileHandle> = open(settings.ledgerFile, 'a');
  private isClosed = false;

  async append(entry: object): Promise<void> {
    if (this.isClosed) throw new Error('The ledger is closed.');
    await setTimeout(20);
    if (this.isClosed) throw new Error('The ledger was closed under an entry.');
    await (await this.file).appendFile(`${JSON.stringify(entry)}\n`);
  }

  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    await (await this.file).close();
  }
}
