import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'to the client' | 'to the server';

/**
 * A wire with hands on it: carries bytes both ways, and holds those of one direction back until it is told to let go.
 */
export class HoldingProxy {
  /** Resolves when something is held back. */
  readonly isHolding: Promise<void>;
  private readonly sockets = new Set<Socket>();
  private held?: Direction;
  private lastPort = 0;
  private kept: (() => void)[] = [];
  private keeps!: () => void;
  private carriedOnce = new Map<Direction, () => void>();

  private constructor(
    private readonly server: Server,
    private target: number,
  ) {
    this.isHolding = new Promise((resolve) => (this.keeps = resolve));
    server.on('connection', (client: Socket) => this.carry(client));
  }

  static async listen(target: number): Promise<HoldingProxy> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    const proxy = new HoldingProxy(server, target);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo | null)?.port ?? this.lastPort;
  }

  hold(direction: Direction): void {
    this.held = direction;
  }

  /** New connections go to this port from now on. */
  aim(port: number): void {
    this.target = port;
  }

  /** Lets go of what was held, in order. */
  release(): void {
    this.held = undefined;
    for (const write of this.kept.splice(0)) write();
  }

  /** Resolves when bytes have next been carried in this direction. */
  carried(direction: Direction): Promise<void> {
    return new Promise((resolve) => this.carriedOnce.set(direction, resolve));
  }

  /** Resolves when somebody has next connected. */
  async connected(): Promise<void> {
    await once(this.server, 'connection');
  }

  /** Cuts every connection; new ones are taken. */
  drop(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Cuts every connection, and refuses new ones until `accept()`: the server is down, for all the client can see. */
  async refuse(): Promise<void> {
    this.lastPort = this.port;
    await this.close();
  }

  /** Takes connections again, on the port it had. */
  async accept(): Promise<void> {
    this.server.listen(this.lastPort, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** Closing twice is harmless. */
  async close(): Promise<void> {
    const closed = this.server.listening ? once(this.server, 'close') : undefined;
    this.server.close();
    this.drop();
    await closed;
  }

  private carry(client: Socket): void {
    const upstream = connect({ host: '127.0.0.1', port: this.target, noDelay: true, allowHalfOpen: true });
    this.pass(client, upstream, 'to the server');
    this.pass(upstream, client, 'to the client');
  }

  private pass(from: Socket, to: Socket, direction: Direction): void {
    this.sockets.add(from);
    const deliver = (write: () => void) => {
      if (this.held !== direction) return write();
      this.kept.push(write);
      this.keeps();
    };
    from.on('data', (bytes: Buffer) =>
      deliver(() => {
        if (!to.destroyed) to.write(bytes, () => this.hasCarried(direction));
      }),
    );
    from.on('end', () => deliver(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => this.sockets.delete(from));
  }

  private hasCarried(direction: Direction): void {
    this.carriedOnce.get(direction)?.();
    this.carriedOnce.delete(direction);
  }
}
