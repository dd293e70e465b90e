import { IoAdapter } from '@nestjs/platform-socket.io';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Controller, Get, Module } from '@nestjs/common';
import { assemble, type MakeApplication } from '../application.js';

@WebSocketGateway({ cors: { origin: 'https://shop.test' } })
class EchoGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown) {
    return data;
  }
}

@Controller()
class OwnController {
  @Get('own')
  own() {
    return 'own';
  }
}

@Module({ controllers: [OwnController], providers: [EchoGateway] })
class SocketsModule {}

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { imports: [SocketsModule] });
  app.useWebSocketAdapter(new IoAdapter(app));
  return app;
};
