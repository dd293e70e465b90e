import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { openSync, writeSync } from 'node:fs';
import { Database } from './database.mjs';
import { provider, route } from './decorate.mjs';

/**
 * Answers a message with its id, in its own time. The ledger has a line for each handler that has started and for each
 * that has ended, written before anything else happens: it is whole even when the process is killed.
 */
export class EchoGateway {
  ledger = openSync(process.env.LEDGER, 'a');

  constructor(database) {
    this.database = database;
  }

  async echo({ id, ms }) {
    writeSync(this.ledger, `started ${id}\n`);
    await this.database.query(id, ms);
    writeSync(this.ledger, `ended ${id}\n`);
    return { event: 'echo', data: id };
  }
}

provider(EchoGateway, [Database], WebSocketGateway());
route(EchoGateway, 'echo', [SubscribeMessage('echo')], [MessageBody()]);
