import websocket from '@fastify/websocket';
import { Controller, Get } from '@nestjs/common';
import { type WebSocket } from 'ws';
import { assemble, type MakeApplication } from '../application.js';

@Controller()
class OwnController {
  @Get('own')
  own() {
    return 'own';
  }
}

type Register = (plugin: unknown) => Promise<void>;
type Instance = { register: Register; get(path: string, options: object, handler: (socket: WebSocket) => void): void };

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { controllers: [OwnController] });
  await (app.register as unknown as Register)(websocket);
  const fastify = app.getHttpAdapter().getInstance() as unknown as Instance;
  await fastify.register(async (instance: Instance) => {
    instance.get('/socket', { websocket: true }, (socket) => {
      socket.send('welcome');
      socket.on('message', (message) => socket.send(`echo ${String(message)}`));
    });
  });
  return app;
};
