import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A balancer of connections, one after the other to each of `ports`, that passes each end's FIN on. */
export class TcpBalancer {
  /** Where new connections go. A test takes one out when its replica is no longer ready. */
  ports: number[] = [];
  private next = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer({ allowHalfOpen: true }, (client) => {
    const port = this.ports[this.next++ % this.ports.length];
    if (port === undefined) return void client.destroy();
    const replica = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [client, replica],
      [replica, client],
    ] as const) {
      this.sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy()).on('close', () => this.sockets.delete(from));
    }
  });

  async listen(): Promise<number> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
