/** A handler of jobs: it is given them in lists. */
export type Handler = (...args: unknown[]) => unknown;

/** A `PgBoss`, as far as it is met here. All of it is public. */
export interface PgBoss {
  work(queue: string, ...args: unknown[]): Promise<string>;
  offWork(queue: string, ...args: unknown[]): Promise<unknown>;
  stop(options?: {
    readonly graceful?: boolean;
    readonly timeout?: number;
    readonly close?: boolean;
  }): Promise<unknown>;
  /** Since pg-boss 10. */
  getQueues?(): Promise<readonly { readonly name: string }[]>;
}

/** Reports whether `value` is a `PgBoss`, by what it can do. */
export function isPgBoss(value: unknown): value is PgBoss {
  if (typeof value !== 'object' || value === null) return false;
  const { work, offWork, stop, send } = value as Record<string, unknown>;
  return [work, offWork, stop, send].every((each) => typeof each === 'function');
}
