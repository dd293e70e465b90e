import { Body, Controller, Get, Param, Post, StreamableFile } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Database } from './database.mjs';
import { provider, route } from './decorate.mjs';

const large = Buffer.alloc(256 * 1024, 'nestjs-drain ');

/**
 * Every kind of answer: quick, slow, streamed, large, and to a body that was sent. The clients check each to its last
 * byte.
 */
export class OrdersController {
  constructor(database) {
    this.database = database;
  }

  quick(id) {
    return this.database.query({ id, item: 'umbrella' });
  }

  async slow() {
    await this.database.query('orders', 150);
    await this.database.query('customers', 150);
    return this.database.query({ report: 'whole' }, 100);
  }

  stream() {
    return new StreamableFile(Readable.from(this.#lines()), { type: 'text/plain' });
  }

  async large() {
    await this.database.query('blob');
    return new StreamableFile(large, { length: large.length });
  }

  create(order) {
    const sum = createHash('sha256').update(order.note).digest('hex');
    return this.database.query({ item: order.item, sum }, 5);
  }

  async *#lines() {
    for (let line = 1; line <= 10; line++) yield `${await this.database.query(`line ${line}`, 40)}\n`;
    yield 'end\n';
  }
}

provider(OrdersController, [Database], Controller('orders'));
route(OrdersController, 'quick', [Get('by-id/:id')], [Param('id')]);
route(OrdersController, 'slow', [Get('report')]);
route(OrdersController, 'stream', [Get('export')]);
route(OrdersController, 'large', [Get('blob')]);
route(OrdersController, 'create', [Post()], [Body()]);
