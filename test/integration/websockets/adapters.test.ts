import { afterEach, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { type INestApplication } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { type AddressInfo } from 'node:net';
import { type Server } from 'node:http';
import { GracefulShutdown, GracefulShutdownModule } from '../../../src/index.js';
import { closeAll, moduleOf } from '../../support/applications.js';
import { closeClients, goodbye, openIo, socketIoWebSocket } from './kinds.js';

@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('echo')
  echo(_client: unknown, data: unknown): object {
    return { event: 'reply', data };
  }
}

describe('The module', () => {
  afterEach(async () => {
    closeClients();
    await closeAll();
  });

  it('starts in an application context, where there is no WebSocket adapter', async () => {
    const context = await NestFactory.createApplicationContext(
      moduleOf({ imports: [GracefulShutdownModule.forRoot()] }),
      {
        logger: false,
        abortOnError: false,
      },
    );
    const { closed } = context.get(GracefulShutdown);
    await context.close();
    expect(await closed).toMatchObject({ clean: true });
  });

  it('meets the default adapter of a test module', async () => {
    const module = await Test.createTestingModule({
      imports: [GracefulShutdownModule.forRoot()],
      providers: [ChatGateway],
    }).compile();
    const app: INestApplication = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const { client } = await openIo(((app.getHttpServer() as Server).address() as AddressInfo).port);
    client.send('echo', 1);
    expect(await client.receives(1)).toEqual([1]);
    await app.close();
    expect(await client.ended).toEqual(goodbye(socketIoWebSocket));
  });
});
