import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestMicroservice, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { GracefulShutdown, GracefulShutdownModule, InFlightInterceptor } from '../../src/index.js';
import { enters, moduleOf } from '../support/applications.js';
import { Gate } from '../support/gate.js';
import { freePort } from '../../packages/tools/src/drill/free-port.js';

const gate = new Gate();

@Controller()
class OrdersController {
  @MessagePattern('order')
  @UseInterceptors(InFlightInterceptor)
  order(): string {
    return 'ordered';
  }

  @MessagePattern('held')
  @UseInterceptors(InFlightInterceptor)
  async held(): Promise<string> {
    await gate.pass();
    return 'held';
  }
}

describe('A message that a microservice gets while draining', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    Gate.releaseAll();
    for (const end of ends.splice(0)) await end();
  });

  it('is answered with an error that says so, which is no internal one', async () => {
    const options = { host: '127.0.0.1', port: await freePort() };
    const module = moduleOf({ imports: [GracefulShutdownModule.forRoot()], controllers: [OrdersController] });
    const app: INestMicroservice = await NestFactory.createMicroservice<MicroserviceOptions>(module, {
      transport: Transport.TCP,
      options,
      logger: false,
    });
    await app.listen();
    const shutdown = app.get(GracefulShutdown);
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    ends.push(() => client.close());
    expect(await firstValueFrom(client.send('order', {}))).toBe('ordered');

    // Its connection stays open for it.
    const held = firstValueFrom(client.send('held', {}));
    await gate.entered;
    const draining = enters(shutdown, 'draining');
    const closed = app.close();
    await draining;
    const told = await firstValueFrom(client.send('order', {})).catch((error: unknown) => error);
    expect(told).toMatchObject({ status: 'error', code: 'DRAINING', message: 'The server is shutting down' });
    gate.release();
    expect(await held).toBe('held');
    await closed;
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', refused: 1 });
  });
});
