import { Server as HttpServer } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { type Http2Server } from 'node:http2';
import { type Drainable } from '../sequence/drainable.js';
import { closeListenerAlone } from './shared/listener.js';
import { connectionOf } from './http/connection.js';
import { HttpServerDrainable, type HttpServerContext } from './http/http-server-drainable.js';
import { Http2ServerDrainable, type Http2ServerContext } from './http2/http2-server-drainable.js';

/** Sessions of HTTP/2 do not end by themselves: they are told one by one over as long, at least, ms. */
const http2PatienceMs = 1_000;
/** Timers of Node's that close idle connections fire late, ms. */
const patienceReserveMs = 250;

/**
 * The HTTP servers of one application: a drainable for each protocol that a server speaks. One that speaks HTTP/2 over
 * TLS may speak HTTP/1.1 as well, and shakes hands before it is known which.
 */
export class HttpServers {
  private readonly servers = new Set<NetServer>();
  private readonly http1 = new Set<HttpServerDrainable>();
  private readonly http2 = new Set<Http2ServerDrainable>();
  /** Is given each server that is attached beside those which Nest knows. */
  meetFurther: (server: HttpServer) => void = () => undefined;

  constructor(
    private readonly context: HttpServerContext & Http2ServerContext,
    private readonly register: (drainable: Drainable) => void,
  ) {}

  /** Takes `server` under drain. Reports whether it is an HTTP server; one that is under drain already stays so. */
  attach(server: unknown): boolean {
    if (!isHttp1Server(server) && !isHttp2Server(server)) return false;
    if (this.servers.has(server)) return true;
    this.servers.add(server);
    const place = this.servers.size === 1 ? '' : ` ${this.servers.size}`;
    if (isHttp1Server(server)) {
      const drainable = new HttpServerDrainable(`http server${place}`, server, this.context);
      this.http1.add(drainable);
      this.register(drainable);
    }
    if (isHttp2Server(server)) {
      const drainable = new Http2ServerDrainable(`http2 server${place}`, server, this.context);
      this.http2.add(drainable);
      this.register(drainable);
    }
    return true;
  }

  /** Does the same with a server that Nest does not know. */
  attachFurther(server: object): boolean {
    const isKnown = this.servers.has(server as NetServer);
    const isAttached = this.attach(server);
    if (isAttached && !isKnown) this.meetFurther(server as HttpServer);
    return isAttached;
  }

  /**
   * How long clients may rest before their connections end by themselves, ms; Infinity when some never do. Undefined
   * where there is no server.
   */
  get patienceMs(): number | undefined {
    if (this.servers.size === 0) return undefined;
    return Math.max(http2PatienceMs, ...Array.from(this.http1, ({ idleMs }) => idleMs)) + patienceReserveMs;
  }

  /** Resolves when no client is connected to any of them, or at the deadline. */
  async clientsGone(deadline: AbortSignal): Promise<void> {
    for (const server of [...this.http1, ...this.http2]) await server.clientsGone(deadline);
  }

  /** The `close()` that each is about to be sent takes its listener alone. */
  keepConnections(): void {
    for (const server of this.servers) closeListenerAlone(server, this.context.clock);
  }

  /** Tells HTTP/1.1 clients to leave, until the returned function is called; HTTP/2 sessions would really go. */
  rehearse(): () => void {
    const retractions = Array.from(this.http1, (server) => server.rehearse());
    return () => retractions.forEach((retract) => retract());
  }

  /** The instant at which a socket was opened, if a server here holds it. */
  openedAt(socket: Socket): number | undefined {
    return connectionOf(socket)?.openedAt;
  }

  /** An upgraded socket has found somebody who drains it: it is no raw upgrade any longer. */
  disown(socket: Socket): void {
    const connection = connectionOf(socket);
    if (!connection?.upgrade) return;
    this.context.tracker.forget(connection.upgrade);
    connection.upgrade = undefined;
  }
}

/**
 * `https.Server` does not extend `http.Server`; both are net servers that know idle connections. So does an HTTP/2
 * server over TLS.
 */
function isHttp1Server(server: unknown): server is HttpServer {
  return server instanceof HttpServer || (server instanceof NetServer && 'closeIdleConnections' in server);
}

/** By what such servers alone can do: importing `node:http2` would load it into every application. */
function isHttp2Server(server: unknown): server is Http2Server {
  return server instanceof NetServer && 'updateSettings' in server;
}
