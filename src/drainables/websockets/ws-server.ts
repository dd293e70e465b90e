import { type EventEmitter } from 'node:events';
import { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';
import { isObject } from '../shared/is-object.js';
import { type Farewell, type SocketServer } from './socket-server.js';

/** A connection of `ws`, as far as it is met here. */
export interface WsClient extends EventEmitter {
  readonly readyState: number;
  close(code: number, reason: string): void;
  terminate(): void;
  readonly _socket?: Socket;
}

/** A server of `ws`, as far as it is met here. */
export interface WsServerShape extends EventEmitter {
  readonly clients?: Set<WsClient>;
  readonly options?: { readonly path?: string | null };
  /** `WsAdapter` writes it, after the upgrade has been routed by itself. */
  readonly path?: string;
  readonly _server?: unknown;
}

/** `readyState` of one that has closed. */
export const closed = 3;

/** Reports whether `value` is a server of `ws`. */
export function isWsServer(value: unknown): value is WsServerShape {
  const shape = value as Record<string, unknown>;
  return (
    isObject(value) && ['handleUpgrade', 'shouldHandle', 'on'].every((method) => typeof shape[method] === 'function')
  );
}

/** A server of the package `ws`. */
export class WsServer implements SocketServer<WsClient> {
  /** Its own tracking of clients may have been switched off. */
  private readonly own?: Set<WsClient>;

  constructor(private readonly server: WsServerShape) {
    if (server.clients) return;
    const own = (this.own = new Set<WsClient>());
    this.onConnection((client) => {
      own.add(client);
      client.once('close', () => own.delete(client));
    });
  }

  /** Only a server with a listener of its own knows its path from the start. */
  get name(): string {
    return `ws server ${this.server.path ?? this.server.options?.path ?? '/'}`;
  }

  get httpServer(): unknown {
    return this.server._server;
  }

  clients(): Iterable<WsClient> {
    return this.all;
  }

  get clientCount(): number {
    return this.all.size;
  }

  onConnection(connected: (client: WsClient) => void): void {
    this.server.on('connection', connected);
  }

  onHandshake(taken: (socket: Socket) => void): void {
    this.server.on('headers', (_headers: unknown, request: IncomingMessage) => taken(request.socket));
  }

  continues(): boolean {
    return false;
  }

  isHandshake(): boolean {
    return false;
  }

  isReceiving(): boolean {
    return false;
  }

  onGone(client: WsClient, gone: () => void): void {
    client.once('close', gone);
  }

  isGone({ readyState }: WsClient): boolean {
    return readyState === closed;
  }

  close(client: WsClient, { code, reason }: Farewell): void {
    client.close(code, reason);
  }

  terminate(client: WsClient): void {
    client.terminate();
  }

  socketOf(client: WsClient): Socket | undefined {
    return client._socket;
  }

  private get all(): Set<WsClient> {
    return this.server.clients ?? this.own!;
  }
}
