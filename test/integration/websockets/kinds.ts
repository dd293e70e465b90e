import { type INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { io, type ManagerOptions, type Socket as IoSocket, type SocketOptions } from 'socket.io-client';
import { WebSocket } from 'ws';
import { frameworks, type Framework } from '../../support/applications.js';
import { request } from '../../support/raw-client.js';

/** How a client saw its connection end. */
export interface Ending {
  readonly code?: number;
  readonly reason: string;
}

/** A strict client: it never reconnects, unless a test asks for it. */
export interface Client {
  /** The data of every reply and broadcast so far, in order. */
  readonly received: unknown[];
  readonly ended: Promise<Ending>;
  send(event: string, data?: unknown): void;
  /** Resolves when `count` pieces of data have been received; rejects when the connection ends before. */
  receives(count: number): Promise<unknown[]>;
  close(): void;
}

export interface Kind {
  readonly kind: 'ws' | 'socket.io' | 'socket.io polling';
  prepare(app: INestApplication): void;
  connect(port: number, path?: string): Promise<Client>;
  /** The status with which a handshake was refused. */
  refusal(port: number): Promise<number>;
}

const clients = new Set<Client>();

/** Closes the clients that tests have left open. */
export function closeClients(): void {
  for (const client of clients) client.close();
  clients.clear();
}

class Received implements Pick<Client, 'received' | 'receives'> {
  readonly received: unknown[] = [];
  private waiting: { count: number; resolve: (all: unknown[]) => void; reject: (error: Error) => void }[] = [];

  add(data: unknown): void {
    this.received.push(data);
    this.waiting = this.waiting.filter(({ count, resolve }) => {
      if (this.received.length < count) return true;
      resolve(this.received);
      return false;
    });
  }

  end(): void {
    for (const { reject } of this.waiting.splice(0)) reject(new Error(`Ended after ${JSON.stringify(this.received)}`));
  }

  receives(count: number): Promise<unknown[]> {
    if (this.received.length >= count) return Promise.resolve(this.received);
    return new Promise((resolve, reject) => this.waiting.push({ count, resolve, reject }));
  }
}

export function openWs(port: number, path = ''): Promise<{ socket: WebSocket; client: Client }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    const box = new Received();
    socket.on('message', (data: Buffer) => box.add((JSON.parse(data.toString()) as { data: unknown }).data));
    const ended = new Promise<Ending>((end) => {
      socket.once('close', (code, reason) => {
        box.end();
        end({ code, reason: reason.toString() });
      });
    });
    const client: Client = {
      received: box.received,
      receives: (count) => box.receives(count),
      ended,
      send: (event, data) => socket.send(JSON.stringify({ event, data })),
      close: () => socket.terminate(),
    };
    clients.add(client);
    socket.once('open', () => resolve({ socket, client }));
    socket.once('error', reject);
  });
}

export function openIo(
  port: number,
  path = '',
  options: Partial<ManagerOptions & SocketOptions> = {},
): Promise<{ socket: IoSocket; client: Client }> {
  return new Promise((resolve, reject) => {
    const socket = io(`http://127.0.0.1:${port}${path}`, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      ...options,
    });
    const box = new Received();
    socket.on('reply', (data) => box.add(data));
    const ended = new Promise<Ending>((end) => {
      socket.once('disconnect', (reason, details) => {
        box.end();
        const code = (details as { context?: { code?: number } } | undefined)?.context?.code;
        end({ ...(code === undefined ? {} : { code }), reason });
      });
    });
    const client: Client = {
      received: box.received,
      receives: (count) => box.receives(count),
      ended,
      send: (event, data) => socket.emit(event, data),
      close: () => socket.disconnect(),
    };
    clients.add(client);
    socket.once('connect', () => resolve({ socket, client }));
    socket.once('connect_error', reject);
  });
}

export const ws: Kind = {
  kind: 'ws',
  prepare: (app) => void app.useWebSocketAdapter(new WsAdapter(app)),
  connect: async (port, path) => (await openWs(port, path)).client,
  refusal: (port) => refusedUpgrade(`ws://127.0.0.1:${port}`),
};

function refusedUpgrade(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.once('open', () => reject(new Error('The handshake was accepted.')));
    socket.on('error', () => undefined);
  });
}

function socketIo(kind: Kind['kind'], transports: ['websocket'] | ['polling']): Kind {
  return {
    kind,
    prepare: (app) => void app.useWebSocketAdapter(new IoAdapter(app)),
    connect: async (port, path) => (await openIo(port, path, { transports })).client,
    refusal: async (port) => {
      const handshake = `127.0.0.1:${port}/socket.io/?EIO=4&transport=${transports[0]}`;
      if (transports[0] === 'websocket') return refusedUpgrade(`ws://${handshake}`);
      return (await request(`http://${handshake}`)).status;
    },
  };
}

export const socketIoWebSocket = socketIo('socket.io', ['websocket']);
export const socketIoPolling = socketIo('socket.io polling', ['polling']);
export const kinds = [ws, socketIoWebSocket, socketIoPolling] as const;

export interface Combination extends Kind {
  readonly framework: Framework;
}

/** What every promise is shown over. */
export const combinations: readonly Combination[] = frameworks.flatMap((framework) =>
  kinds.map((kind) => ({ ...kind, framework })),
);

/** What a client sees when the server lets it go. Over polling there is no close frame. */
export function goodbye({ kind }: Kind): Ending {
  if (kind === 'ws') return { code: 1001, reason: 'The server is shutting down' };
  return kind === 'socket.io' ? { code: 1001, reason: 'transport close' } : { reason: 'transport close' };
}
