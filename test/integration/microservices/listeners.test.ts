import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Inject, type OnModuleDestroy, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientTCP, EventPattern, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { type AddressInfo, type Server } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { EMPTY, type Observable } from 'rxjs';
import { GracefulShutdown, GracefulShutdownModule } from '../../../src/index.js';
import { moduleOf } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  Gate.releaseAll();
  for (const end of ends.splice(0).reverse()) await end();
});

/** Two controllers that listen for one event: the first waits at the gate, the second ends at once. */
async function start(scope: Scope, second: () => Observable<unknown>) {
  const gate = new Gate();
  const order: string[] = [];
  class Connection implements OnModuleDestroy {
    onModuleDestroy(): void {
      order.push('destroyed');
    }
  }
  @Controller({ scope })
  class First {
    @Inject(Connection)
    readonly connection!: Connection;

    @EventPattern('ordered')
    async listen(_data: unknown): Promise<void> {
      await gate.pass();
      order.push('ended');
    }
  }
  @Controller({ scope })
  class Second {
    @EventPattern('ordered')
    listen(_data: unknown): Observable<unknown> {
      return second();
    }
  }
  const imports = [GracefulShutdownModule.forRoot({})];
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    moduleOf({ imports, controllers: [First, Second], providers: [Connection] }),
    { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 }, logger: false },
  );
  await app.listen();
  ends.push(() => app.close());
  const { port } = app.unwrap<Server>().address() as AddressInfo;
  const client = new ClientTCP({ host: '127.0.0.1', port });
  ends.push(() => client.close());
  await client.connect();
  client.emit('ordered', {});
  await gate.entered;
  return { app, gate, order, shutdown: app.get(GracefulShutdown) };
}

const fails = () => {
  throw new Error('no stock');
};
const isEmpty = () => EMPTY;

describe('The first of two listeners of an event', () => {
  it.each<[string, Scope, () => Observable<unknown>]>([
    ['fails', Scope.DEFAULT, fails],
    ['ends without a value', Scope.DEFAULT, isEmpty],
    ['of request scope fails', Scope.REQUEST, fails],
    ['of request scope ends without a value', Scope.REQUEST, isEmpty],
  ])('is waited for though the second one %s', async (_, scope, second) => {
    const { app, gate, order, shutdown } = await start(scope, second);
    // The second one has come to its end by then.
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    expect(shutdown.inFlight).toBe(1);
    const closed = app.close();
    gate.release();
    await closed;
    expect(order).toEqual(['ended', 'destroyed']);
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', clean: true });
  });
});
