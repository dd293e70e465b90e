import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createSecureServer,
  createServer as createHttp2,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, type Server, type Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { certificate } from '../../../../../../test/support/certificate.js';

/** A server in this process, whose answers are the test's to give. */
export interface Stub {
  readonly port: number;
  close(): Promise<void>;
}

export async function stubHttps(handle: (req: IncomingMessage, res: ServerResponse) => void): Promise<Stub> {
  return listening(createHttps({ ...certificate(), keepAliveTimeout: 0 }, handle));
}

export async function stubHttp2(
  handle: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  isTls: boolean,
): Promise<Stub> {
  const server = isTls ? createSecureServer(certificate()) : createHttp2();
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined);
    handle(stream, headers);
  });
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('sessionError', () => undefined);
  return listening(server);
}

export async function stubWebSockets(hear: (socket: WebSocket, message: string) => void): Promise<Stub> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', (socket) => socket.on('message', (message: Buffer) => hear(socket, message.toString())));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listening(server: Server): Promise<Stub> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
