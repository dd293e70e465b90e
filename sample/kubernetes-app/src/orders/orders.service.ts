import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, NotFoundException } from '@nestjs/common';
import { Database } from '../database/database.js';
import { OrderJournal } from './order-journal.js';
import type { NewOrder, Order, OrderReport } from './order.js';

const COLUMNS = 'id, item, quantity, total_cents as "totalCents", status';

/** The queries here are quick; these pauses stand for the weight they would have on real tables. */
const REPORT_QUERY_MS = 150;
const EXPORT_PAGE_MS = 60;

const PAGE = 20;
const EXPORT_PAGE = 4;
const EXPORT_PAGES = 5;

@Injectable()
export class OrdersService {
  constructor(
    private readonly database: Database,
    private readonly journal: OrderJournal,
  ) {}

  /** The orders that follow the one with the id `after`, lowest id first. */
  async list(after: number, limit = PAGE): Promise<Order[]> {
    return this.database.query<Order>(`select ${COLUMNS} from orders where id > $1::bigint order by id limit $2::int`, [
      after,
      limit,
    ]);
  }

  async get(id: number): Promise<Order> {
    const [order] = await this.database.query<Order>(`select ${COLUMNS} from orders where id = $1::bigint`, [id]);
    if (!order) throw new NotFoundException(`There is no order ${id}`);
    return order;
  }

  async create({ item, quantity, unitCents }: NewOrder): Promise<Order> {
    const [order] = await this.database.query<Order>(
      `insert into orders (item, quantity, total_cents) values ($1, $2::int, $3::int) returning ${COLUMNS}`,
      [item, quantity, quantity * unitCents],
    );
    await this.journal.record(order!.id, 'created');
    return order!;
  }

  /** Four queries in about 600 ms: long enough to be in flight when the pod is told to go. */
  async report(): Promise<OrderReport> {
    const [counted] = await this.heavyQuery<{ orders: number }>('select count(*)::int as orders from orders');
    const [summed] = await this.heavyQuery<{ revenueCents: number }>(
      'select sum(total_cents)::int as "revenueCents" from orders',
    );
    const [byStatus] = await this.heavyQuery<OrderReport['byStatus']>(
      `select count(*) filter (where status = 'open')::int as open,
              count(*) filter (where status = 'shipped')::int as shipped
       from orders`,
    );
    const [largest] = await this.heavyQuery<Order>(
      `select ${COLUMNS} from orders order by total_cents desc, id limit 1`,
    );
    return { ...counted!, ...summed!, byStatus: byStatus!, largest: largest! };
  }

  /** The first twenty orders as NDJSON, a page at a time, each page read while the ones before it are on the wire. */
  async *export(): AsyncGenerator<string> {
    let exported = 0;
    let last = 0;
    for (let page = 0; page < EXPORT_PAGES; page++) {
      const orders = await this.list(last, EXPORT_PAGE);
      yield orders.map((order) => `${JSON.stringify(order)}\n`).join('');
      exported += orders.length;
      last = orders.at(-1)?.id ?? last;
      await delay(EXPORT_PAGE_MS);
    }
    // A reader without this line has half an export.
    yield `${JSON.stringify({ exported })}\n`;
  }

  private async heavyQuery<Row>(text: string): Promise<Row[]> {
    const rows = await this.database.query<Row>(text);
    await delay(REPORT_QUERY_MS);
    return rows;
  }
}
