/** A query came after the pool was closed: a request has outlived the provider it depends on. */
export class DatabaseClosedError extends Error {
  readonly code = 'DATABASE_CLOSED';

  constructor(query: string) {
    super(`The database is closed; refused: ${query.trim().split('\n', 1)[0]}`);
    this.name = 'DatabaseClosedError';
  }
}
