import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { type Backend } from '../../../../packages/tools/src/drill/index.js';

/** The first byte of whoever speaks TLS. */
const handshake = 0x16;

/**
 * One address for a replica that has two: the built-in balancer asks for readiness in the clear where it sends its
 * connections. Who begins with TLS is carried to the one, everybody else to the other. It carries bytes as the balancer
 * does: FIN as FIN, a reset as a reset.
 */
export class Front implements Backend {
  readonly host = '127.0.0.1';
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly name: string,
    private readonly server: Server,
    private readonly ports: { readonly tls: number; readonly clear: number },
  ) {
    server.on('connection', (client: Socket) => this.serve(client));
  }

  static async of(name: string, ports: { readonly tls: number; readonly clear: number }): Promise<Front> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const front = new Front(name, server, ports);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return front;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends every connection. */
  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(client: Socket): void {
    this.track(client);
    client.once('readable', () => {
      const first = client.read() as Buffer | null;
      if (!first) return void client.destroy();
      client.unshift(first);
      this.carry(client, first[0] === handshake ? this.ports.tls : this.ports.clear);
    });
    client.on('error', () => undefined);
  }

  private carry(client: Socket, port: number): void {
    const upstream = connect({ host: this.host, port, allowHalfOpen: true, noDelay: true });
    this.track(upstream);
    client.pipe(upstream);
    upstream.pipe(client);
    let isEstablished = false;
    upstream.once('connect', () => (isEstablished = true));
    client.on('error', () => reset(upstream));
    upstream.on('error', () => (isEstablished ? reset(client) : client.destroy()));
    client.once('close', () => !client.readableEnded && upstream.destroy());
    upstream.once('close', () => !upstream.readableEnded && client.destroy());
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }
}

/**
 * While a FIN waits behind unsent bytes, Node refuses to reset (EINVAL) and never closes the handle: the process then
 * spins at its exit.
 */
function reset(socket: Socket): void {
  const isShuttingDown = socket.writableEnded && !socket.writableFinished;
  if (socket.connecting || isShuttingDown) socket.destroy();
  else socket.resetAndDestroy();
}
