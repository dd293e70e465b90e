import { type IncomingMessage, type Server } from 'node:http';
import { type Duplex } from 'node:stream';
import { All, Controller, Get, Inject, Module, Param } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { assemble, type MakeApplication } from '../application.js';

const answering = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  socket.end(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\ngot ${head.length}`,
  );
};

/** Puts listeners on the server, and takes them off, while it runs. */
@Controller()
class UpgradesController {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  @Get('listener/:what')
  change(@Param('what') what: 'on' | 'off' | 'once' | 'removeAllListeners') {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    if (what === 'removeAllListeners') server.removeAllListeners('upgrade');
    else (server[what] as Server['on']).call(server, 'upgrade', answering);
    return { isListening: server.listeners('upgrade').includes(answering) };
  }

  @All('plain')
  plain() {
    return 'answered plainly';
  }
}

@Module({ controllers: [UpgradesController] })
class UpgradesModule {}

export const make: MakeApplication = (variant) => assemble(variant, { imports: [UpgradesModule] });
