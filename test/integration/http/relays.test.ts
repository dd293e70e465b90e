import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Res } from '@nestjs/common';
import { type ServerResponse } from 'node:http';
import { closeAll, frameworks, holdLameDuck } from '../../support/applications.js';
import { RawClient } from '../../support/raw-client.js';
import { rawResponse, startOrders } from './orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;

/** Ways in which proxies, relays and hand-written streams write their heads, with the `Connection` of somebody else. */
const ways: Record<string, (response: ServerResponse) => unknown> = {
  plain: (response) => response.end('{}'),
  set: (response) => response.setHeader('Connection', 'keep-alive').end('{}'),
  object: (response) => response.writeHead(200, { connection: 'keep-alive', 'content-length': '2' }).end('{}'),
  message: (response) => response.writeHead(200, 'Fine', { Connection: 'keep-alive' }).end('{}'),
  list: (response) => response.writeHead(200, ['content-length', '2', 'connection', 'keep-alive'] as never).end('{}'),
  stream: (response) => {
    response.writeHead(200, { Connection: 'keep-alive', 'Content-Type': 'text/event-stream' });
    response.write('{}');
    setImmediate(() => response.end());
  },
};

function relayOf(way: string) {
  @Controller()
  class RelayController {
    @Get('relay')
    relay(@Res() response: object): void {
      ways[way]!(rawResponse(response));
    }

    @Get('framework')
    framework(@Res({ passthrough: true }) response: { header(name: string, value: string): unknown }): object {
      response.header('Connection', 'keep-alive');
      return {};
    }
  }
  return [RelayController];
}

const pooled = 30;

describe.each(frameworks)('A response that names a connection itself, on %s', (framework) => {
  const platform = { framework, protocol: 'http' } as const;
  afterEach(closeAll);

  it.each([...Object.keys(ways).map((way) => [way, '/relay']), ['passthrough', '/framework']])(
    'tells its client to leave all the same (%s), so that none of a pool sends a request too many',
    async (way, path) => {
      const orders = await startOrders(platform, { controllers: relayOf(way) });
      const clients = await Promise.all(Array.from({ length: pooled }, () => RawClient.connect(orders.port)));
      for (const client of clients) client.write(get(path));
      for (const client of clients) expect((await client.answers(1))[0]!.headers.connection).not.toBe('close');
      const closing = await holdLameDuck(orders);
      for (const client of clients) client.write(get(path));
      for (const client of clients) {
        const [, answer] = await client.answers(2);
        expect(answer).toMatchObject({ status: 200, body: '{}', headers: { connection: 'close' } });
        expect(await client.ended).toBe('fin');
      }
      expect(await closing.end()).toMatchObject({ refused: 0, clean: true });
    },
  );

  it('whose head is unsent when the shutdown begins tells its client as well', async () => {
    let respond!: () => void;
    const held = new Promise<void>((resolve) => (respond = resolve));
    let entered!: () => void;
    const isEntered = new Promise<void>((resolve) => (entered = resolve));
    @Controller()
    class HeldController {
      @Get('held')
      async held(@Res() response: object): Promise<void> {
        const raw = rawResponse(response);
        raw.setHeader('Connection', 'keep-alive');
        entered();
        await held;
        raw.writeHead(200, { Connection: 'keep-alive' }).end('{}');
      }
    }
    const orders = await startOrders(platform, { controllers: [HeldController] });
    const client = await RawClient.connect(orders.port);
    client.write(get('/held'));
    await isEntered;
    const closing = await holdLameDuck(orders);
    respond();
    expect(await client.answers(1)).toMatchObject([{ status: 200, headers: { connection: 'close' } }]);
    expect(await client.ended).toBe('fin');
    await closing.end();
  });
});
