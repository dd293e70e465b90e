import { once } from 'node:events';
import { createServer } from 'node:net';

/** Clients are given ports from 32768 on, or from 49152: one below is not taken by any in the meantime. */
const first = 10_000;
const count = 20_000;

/** A loopback port that was free a moment ago. Somebody else may take it before you do: be ready to try another. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + Math.floor(Math.random() * count);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
