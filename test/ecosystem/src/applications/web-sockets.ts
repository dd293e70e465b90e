import { WsAdapter } from '@nestjs/platform-ws';
import {
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { Controller, Get, Module } from '@nestjs/common';
import { from } from 'rxjs';
import { type WebSocket } from 'ws';
import { assemble, type MakeApplication } from '../application.js';

const seen = { connections: 0, disconnections: 0 };

@WebSocketGateway({ path: '/sockets' })
class EchoGateway implements OnGatewayConnection, OnGatewayDisconnect {
  async handleConnection(client: WebSocket): Promise<void> {
    seen.connections++;
    client.send('welcome');
    if (seen.connections === 2) throw new Error('a connection that nobody looks after');
  }

  async handleDisconnect(): Promise<void> {
    seen.disconnections++;
    if (seen.disconnections === 2) throw new Error('a disconnection that nobody looks after');
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown) {
    return { event: 'echo', data };
  }

  @SubscribeMessage('several')
  several() {
    return from([1, 2].map((data) => ({ event: 'several', data })));
  }

  @SubscribeMessage('failing')
  failing() {
    throw new Error('failed');
  }

  @SubscribeMessage('lazy')
  lazy() {
    return { then: (resolve: (value: unknown) => void) => resolve({ event: 'lazy', data: ++lazyThens }) };
  }
}

let lazyThens = 0;

@Controller()
class SeenController {
  @Get('seen')
  seen() {
    return seen;
  }
}

@Module({ controllers: [SeenController], providers: [EchoGateway] })
class SocketsModule {}

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { imports: [SocketsModule] });
  app.useWebSocketAdapter(new WsAdapter(app));
  return app;
};
