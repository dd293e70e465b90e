import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** An HTTP server in this process whose answers, right and wrong, are the test's to give. */
export class StubServer {
  readonly host = '127.0.0.1';
  /** Connections it has accepted. */
  connections = 0;
  /** Requests it has seen. */
  requests = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {
    server.on('connection', () => this.connections++);
    server.prependListener('request', () => this.requests++);
  }

  static async listen(answer: (req: IncomingMessage, res: ServerResponse) => void): Promise<StubServer> {
    const server = createServer({ keepAliveTimeout: 0 }, answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StubServer(server, (server.address() as AddressInfo).port);
  }

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  /** Resolves with the next connection it accepts. */
  async nextConnection(): Promise<Socket> {
    const [socket] = (await once(this.server, 'connection')) as [Socket];
    return socket;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }
}
