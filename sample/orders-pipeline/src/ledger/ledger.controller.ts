import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { type Entry } from './ledger.js';
import { LedgerFile } from './ledger-file.js';

@Controller()
export class LedgerController {
  constructor(private readonly file: LedgerFile) {}

  @GrpcMethod('Ledger', 'Record')
  async record({ kind, id }: Entry): Promise<{ id: string }> {
    await this.file.append({ kind, id });
    return { id };
  }
}
