/** What the application needs of PostgreSQL, whoever provides it. */
export interface Connection {
  /** With no `params`, `text` may hold several statements; then no rows come back. */
  query(text: string, params?: readonly unknown[]): Promise<unknown[]>;
  close(): Promise<void>;
}

/** A server when there is a `url`, otherwise a PostgreSQL of this process's own, in memory. */
export async function connect(url: string | undefined): Promise<Connection> {
  return url ? connectToServer(url) : startEmbedded();
}

async function connectToServer(connectionString: string): Promise<Connection> {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString, max: 10 });
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => {});
  return {
    query: async (text, params) => (await pool.query(text, params ? [...params] : undefined)).rows,
    close: () => pool.end(),
  };
}

async function startEmbedded(): Promise<Connection> {
  const { PGlite } = await import('@electric-sql/pglite');
  const postgres = await PGlite.create();
  return {
    query: async (text, params) => {
      if (params) return (await postgres.query(text, [...params])).rows;
      await postgres.exec(text);
      return [];
    },
    close: () => postgres.close(),
  };
}
