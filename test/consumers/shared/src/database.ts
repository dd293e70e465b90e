import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** A database whose pool closes as the Nest documentation teaches. */
@Injectable()
export class Database implements OnModuleDestroy {
  /** Queries that came when the pool was closed. */
  lost = 0;
  private isOpen = true;

  query(): string {
    if (this.isOpen) return 'an order';
    this.lost++;
    throw new Error('Cannot use a pool after calling end on the pool');
  }

  onModuleDestroy(): void {
    this.isOpen = false;
  }
}
