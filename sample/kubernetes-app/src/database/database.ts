import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { connect, type Connection } from './connection.js';
import { DatabaseClosedError } from './database-closed.error.js';
import { SCHEMA } from './schema.js';

/**
 * The pool, opened and closed where the Nest documentation says: in `onModuleInit` and in `onModuleDestroy`.
 *
 * A query before the one or after the other throws {@link DatabaseClosedError}; it never waits and never reconnects.
 */
@Injectable()
export class Database implements OnModuleInit, OnModuleDestroy {
  private connection: Connection | undefined;

  async onModuleInit(): Promise<void> {
    const connection = await connect(process.env.DATABASE_URL);
    await connection.query(SCHEMA);
    this.connection = connection;
  }

  async onModuleDestroy(): Promise<void> {
    const connection = this.connection;
    this.connection = undefined;
    await connection?.close();
  }

  async query<Row>(text: string, params: readonly unknown[] = []): Promise<Row[]> {
    if (!this.connection) throw new DatabaseClosedError(text);
    return (await this.connection.query(text, params)) as Row[];
  }

  async ping(): Promise<void> {
    await this.query('select 1');
  }
}
