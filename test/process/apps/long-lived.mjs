/**
 * An application with connections that live long: `settings.protocol` is `http`, `h2c` or `h2` (Fastify; the latter
 * with `settings.certificate`), `settings.sockets` is `ws` or `socket.io`. Its database closes in `onModuleDestroy`;
 * what answers says whether it was open.
 */
import { Controller, Get, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { decorate, enableHooks, follow, injectable, listen, moduleOf, settings, tell, told } from './kit.mjs';

class Database {
  isOpen = true;
  onModuleDestroy() {
    tell('destroyed');
    this.isOpen = false;
  }
}
injectable(Database);

class Things {
  constructor(database) {
    this.database = database;
  }
  async held() {
    tell('held');
    await told('release');
    return { isOpen: this.database.isOpen };
  }
  /** Numbers without an end. */
  async events() {
    const { interval, map } = await import('rxjs');
    tell('streaming');
    return interval(5).pipe(map((n) => ({ id: String(n), data: String(n) })));
  }
}
Controller()(injectable(Things, Database));
decorate(Things, 'held', Get('held'));
decorate(Things, 'events', Sse('events'));

if (settings.rejects) process.on('unhandledRejection', ({ message }) => tell('unhandled', { message }));

const providers = [Database];
if (settings.sockets) {
  const { SubscribeMessage, WebSocketGateway } = await import('@nestjs/websockets');
  class Gateway {
    constructor(database) {
      this.database = database;
    }
    /** `settings.rejects`: its hooks reject, and whoever listens for what nobody handles tells it. */
    async handleConnection() {
      if (settings.rejects) throw new Error('handleConnection');
    }
    async handle() {
      tell('held');
      await told('release');
      return { event: 'answer', data: { isOpen: this.database.isOpen } };
    }
    async handleDisconnect() {
      if (settings.rejects) throw new Error('handleDisconnect');
      await new Promise((resolve) => setTimeout(resolve, 50));
      tell('disconnected', { isOpen: this.database.isOpen });
    }
  }
  injectable(Gateway, Database);
  WebSocketGateway()(Gateway);
  decorate(Gateway, 'handle', SubscribeMessage('held'));
  providers.push(Gateway);
}

const module = moduleOf({ controllers: [Things], providers });
const app = await NestFactory.create(module, ...(await adapters()));
await useSockets();
enableHooks(app);
follow(app);
await listen(app);

async function adapters() {
  if (settings.protocol === 'http') return [];
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  const https = settings.protocol === 'h2' ? { https: settings.certificate } : {};
  return [new FastifyAdapter({ http2: true, ...https })];
}

async function useSockets() {
  if (settings.sockets === 'ws') {
    const { WsAdapter } = await import('@nestjs/platform-ws');
    app.useWebSocketAdapter(new WsAdapter(app));
  }
  if (settings.sockets === 'socket.io') {
    const { IoAdapter } = await import('@nestjs/platform-socket.io');
    app.useWebSocketAdapter(new IoAdapter(app));
  }
}
