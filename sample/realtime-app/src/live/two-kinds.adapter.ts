import type { INestApplicationContext, WsMessageHandler } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { AbstractWsAdapter } from '@nestjs/websockets';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Observable } from 'rxjs';
import type { Namespace, Server, ServerOptions, Socket } from 'socket.io';
import { WebSocket, WebSocketServer } from 'ws';

/** The path of the gateway that speaks WebSocket without socket.io. */
export const PLAIN_PATH = '/ws';

/**
 * Both kinds on one port, though an application has one WebSocket adapter: gateways with the path `/ws` get a server of
 * `ws`, all others one of socket.io, and each kind is left to Nest's adapter for it.
 *
 * All but the creation of the first: Nest's `WsAdapter` closes every upgrade whose path it does not know, and
 * socket.io's are among them.
 */
export class TwoKindsAdapter extends AbstractWsAdapter {
  private readonly plain: WsAdapter;
  private readonly io: IoAdapter;

  constructor(app: INestApplicationContext) {
    super(app);
    this.plain = new WsAdapter(app);
    this.io = new IoAdapter(app);
  }

  create(port: number, options: Partial<ServerOptions>): Server | Namespace | WebSocketServer {
    if (options.path !== PLAIN_PATH) return this.io.create(port, options as ServerOptions);
    const server = new WebSocketServer({ noServer: true, path: PLAIN_PATH });
    this.httpServer.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (!server.shouldHandle(request)) return;
      server.handleUpgrade(request, socket, head, (client) => server.emit('connection', client, request));
    });
    return this.plain.bindErrorHandler(server);
  }

  bindMessageHandlers(
    client: Socket | WebSocket,
    handlers: WsMessageHandler[],
    transform: (data: unknown) => Observable<unknown>,
  ): void {
    this.adapterOf(client).bindMessageHandlers(client as Socket, handlers as never, transform);
  }

  override bindClientDisconnect(client: Socket | WebSocket, callback: () => void): void {
    this.adapterOf(client).bindClientDisconnect(client as Socket, callback);
  }

  override async close(server: Server | WebSocketServer): Promise<void> {
    if (server instanceof WebSocketServer) await this.plain.close(server);
    else await this.io.close(server);
  }

  private adapterOf(client: Socket | WebSocket): WsAdapter | IoAdapter {
    return client instanceof WebSocket ? this.plain : this.io;
  }
}
