import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { provider } from './decorate.mjs';

/**
 * A database as the Nest documentation teaches it: the pool is closed in `onModuleDestroy`, and who asks later is an
 * error.
 */
export class Database {
  #isClosed = false;

  async query(value, ms = 1) {
    this.#checkIsOpen();
    await delay(ms);
    this.#checkIsOpen();
    return value;
  }

  onModuleDestroy() {
    this.#isClosed = true;
  }

  #checkIsOpen() {
    if (!this.#isClosed) return;
    console.log('DATABASE USED AFTER IT WAS CLOSED');
    throw new Error('The database has been closed.');
  }
}

provider(Database, [], Injectable());
