import { type EventEmitter } from 'node:events';
import { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';
import { type RequestHead } from '../../admission/admission.js';
import { isObject } from '../shared/is-object.js';
import { type Farewell, type SocketServer } from './socket-server.js';
import { closed, type WsClient } from './ws-server.js';

/** A transport of engine.io, as far as it is met here. */
interface Transport {
  readonly name: string;
  /** WebSocket: the connection of `ws` under it. */
  readonly socket?: WsClient;
  /** Polling: the request that brings messages in. */
  readonly dataReq?: EventEmitter | null;
  /** Polling: what the next poll would set off; it waits 30 s for that. */
  readonly shouldClose?: (() => void) | null;
}

/** A connection of engine.io, which carries every namespace of a client. */
export interface EngineClient extends EventEmitter {
  readonly readyState: string;
  readonly transport: Transport;
  close(discard?: boolean): void;
}

/** A server of engine.io. */
export interface Engine extends EventEmitter {
  readonly clients: Record<string, EngineClient>;
  readonly clientsCount: number;
}

interface SocketIo {
  readonly engine?: Engine;
  readonly httpServer?: unknown;
  /** The one a namespace belongs to. */
  readonly server?: SocketIo;
  path?(): string;
}

/**
 * The engine of a socket.io server, of one of its namespaces, or one that stands alone; none before it is attached to
 * an HTTP server.
 */
export function engineOf(value: unknown): Engine | undefined {
  if (!isObject(value)) return undefined;
  const server = value as SocketIo;
  const engine: unknown = (isObject(server.server) ? server.server : server).engine ?? value;
  const shape = engine as Partial<Engine>;
  return isObject(shape.clients) && typeof shape.clientsCount === 'number' ? (engine as Engine) : undefined;
}

/** A server of socket.io, with all its namespaces. */
export class SocketIoServer implements SocketServer<EngineClient> {
  readonly name: string;
  readonly httpServer: unknown;
  private readonly path: string;

  constructor(
    private readonly engine: Engine,
    value: object,
  ) {
    const given = value as SocketIo;
    const server = isObject(given.server) ? given.server : given;
    this.path = typeof server.path === 'function' ? server.path() : '/engine.io';
    this.name = `socket.io server ${this.path}`;
    this.httpServer = server.httpServer;
  }

  clients(): Iterable<EngineClient> {
    return Object.values(this.engine.clients);
  }

  get clientCount(): number {
    return this.engine.clientsCount;
  }

  onConnection(connected: (client: EngineClient) => void): void {
    this.engine.on('connection', connected);
  }

  onHandshake(taken: (socket: Socket) => void): void {
    this.engine.on('headers', (_headers: unknown, request: IncomingMessage) => taken(request.socket));
  }

  continues({ url = '' }: RequestHead): boolean {
    const sid = this.isOurs(url) && sidOf(url);
    return typeof sid === 'string' && Object.hasOwn(this.engine.clients, sid);
  }

  isHandshake({ url = '' }: RequestHead): boolean {
    return this.isOurs(url) && url.includes('transport=') && !sidOf(url);
  }

  isReceiving({ transport }: EngineClient, over: () => void): boolean {
    // close() cuts it off: https://github.com/socketio/socket.io/blob/main/packages/engine.io/lib/transports/polling.ts
    if (!transport.dataReq) return false;
    transport.dataReq.once('close', over);
    return true;
  }

  /**
   * `disconnectSockets()` would stop clients from reconnecting; they come back by themselves when their transport
   * closes. Over a WebSocket the close frame is given its code: engine.io gives none.
   */
  close(client: EngineClient, { code, reason }: Farewell): void {
    const { socket, name } = client.transport;
    if (name === 'websocket' && socket) {
      socket.close = () => {
        Reflect.deleteProperty(socket, 'close');
        socket.close(code, reason);
      };
    }
    client.close();
  }

  /** To the engine a connection is closed as soon as the close frame has been sent. */
  onGone(client: EngineClient, gone: () => void): void {
    client.once('close', () => {
      const { socket } = client.transport;
      if (socket && socket.readyState !== closed) socket.once('close', gone);
      else gone();
    });
  }

  isGone({ readyState }: EngineClient): boolean {
    return readyState === 'closed';
  }

  terminate(client: EngineClient): void {
    const { transport } = client;
    transport.socket?.terminate?.();
    client.close(true);
    // One that waits for the next poll is closing already, and would go on waiting.
    transport.shouldClose?.();
  }

  socketOf({ transport }: EngineClient): Socket | undefined {
    return transport.socket?._socket;
  }

  private isOurs(url: string): boolean {
    return url.startsWith(this.path);
  }
}

function sidOf(url: string): string | null {
  const query = url.indexOf('?');
  return query === -1 ? null : new URLSearchParams(url.slice(query)).get('sid');
}
