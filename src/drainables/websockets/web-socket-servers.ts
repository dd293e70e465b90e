import { type Socket } from 'node:net';
import { type AdmissionRule, type RequestHead } from '../../admission/admission.js';
import { type Drainable } from '../../sequence/drainable.js';
import { engineOf, SocketIoServer } from './socket-io-server.js';
import { type SocketServer } from './socket-server.js';
import { WebSocketServerDrainable, type WebSocketServerContext } from './web-socket-server-drainable.js';
import { isWsServer, WsServer } from './ws-server.js';

/** The HTTP servers under those of WebSockets. */
export interface UnderlyingServers {
  attach(server: unknown): boolean;
  /** An upgraded socket has found somebody who drains it. */
  disown(socket: Socket): void;
}

/** The servers of WebSockets of one application, each one drainable. */
export class WebSocketServers implements AdmissionRule {
  private readonly servers = new Map<object, SocketServer>();
  private readonly names = new Map<string, number>();

  constructor(
    private readonly context: WebSocketServerContext,
    private readonly http: UnderlyingServers,
    private readonly register: (drainable: Drainable) => void,
  ) {}

  /**
   * Takes `server`, of `ws`, or of socket.io or one of its namespaces, under drain, with the HTTP server under it.
   * Reports whether it is one; one that is under drain already stays so.
   */
  attach(server: unknown): boolean {
    const engine = engineOf(server);
    if (engine) return this.add(engine, () => new SocketIoServer(engine, server as object));
    if (isWsServer(server)) return this.add(server, () => new WsServer(server));
    return false;
  }

  /** Reports whether `request` belongs to a client that is connected, and is served as long as that is. */
  continues(request: RequestHead): boolean {
    for (const server of this.servers.values()) if (server.continues(request)) return true;
    return false;
  }

  /** Reports whether `request` is a handshake that is refused while everything else is still served. */
  declines(request: RequestHead): boolean {
    if (this.context.options.handshakes === 'accept') return false;
    if (String(request.headers.upgrade).toLowerCase() === 'websocket') return !this.continues(request);
    for (const server of this.servers.values()) if (server.isHandshake(request)) return true;
    return false;
  }

  private add(key: object, create: () => SocketServer): boolean {
    if (this.servers.has(key)) return true;
    const server = create();
    this.servers.set(key, server);
    // An upgraded socket of ours is no raw upgrade: idle, it is no work.
    server.onHandshake((socket) => this.http.disown(socket));
    this.http.attach(server.httpServer);
    this.register(new WebSocketServerDrainable(this.nameFor(server.name), server, this.context));
    return true;
  }

  private nameFor(name: string): string {
    const count = (this.names.get(name) ?? 0) + 1;
    this.names.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  }
}
