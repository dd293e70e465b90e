import { Server as HttpServer } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { type Drainable } from '../../sequence/drainable.js';
import { connectionOf } from './connection.js';
import { HttpServerDrainable, type HttpServerContext } from './http-server-drainable.js';

/** The HTTP servers of one application, each one drainable. */
export class HttpServers {
  private readonly servers = new Set<object>();

  constructor(
    private readonly context: HttpServerContext,
    private readonly register: (drainable: Drainable) => void,
  ) {}

  /** Takes `server` under drain. Reports whether it is an HTTP/1.1 server; one that is under drain already stays so. */
  attach(server: unknown): boolean {
    if (!isHttpServer(server)) return false;
    if (this.servers.has(server)) return true;
    this.servers.add(server);
    const name = this.servers.size === 1 ? 'http server' : `http server ${this.servers.size}`;
    this.register(new HttpServerDrainable(name, server, this.context));
    return true;
  }

  /** An upgraded socket has found somebody who drains it: it is no raw upgrade any longer. */
  disown(socket: Socket): void {
    const upgrade = connectionOf(socket)?.upgrade;
    if (upgrade) this.context.tracker.forget(upgrade);
  }

  /**
   * Takes the further servers of a Fastify instance under drain: listening on `localhost` it binds each address with a server of its own, which
   * only its list of bindings knows.
   */
  attachBindings(instance: object): void {
    const key = Object.getOwnPropertySymbols(instance).find(
      (symbol) => symbol.description === 'fastify.serverBindings',
    );
    const bindings = key && (instance as Record<symbol, unknown>)[key];
    if (Array.isArray(bindings)) bindings.forEach((server) => this.attach(server));
  }
}

/** `https.Server` does not extend `http.Server`; both are net servers that emit requests. HTTP/2 servers are not meant. */
function isHttpServer(server: unknown): server is HttpServer {
  return server instanceof HttpServer || (server instanceof NetServer && 'closeIdleConnections' in server);
}
