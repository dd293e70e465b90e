import { Injectable } from '@nestjs/common';
import { EventEmitter2, OnEvent } from '@nestjs/event-emitter';
import { setTimeout } from 'node:timers/promises';
import { type Order, ORDER_PACKED } from '../orders.js';
import { LedgerClient } from './ledger-client.js';

@Injectable()
export class Packing {
  constructor(private readonly events: EventEmitter2) {}

  /** It tells that an order has been packed, and does not wait for whoever listens. */
  async pack(order: Order): Promise<void> {
    await setTimeout(100);
    this.events.emit(ORDER_PACKED, order);
  }
}

@Injectable()
export class PackedListener {
  constructor(private readonly ledger: LedgerClient) {}

  @OnEvent(ORDER_PACKED)
  async packed({ id }: Order): Promise<void> {
    await this.ledger.record({ kind: 'packed', id });
  }
}
