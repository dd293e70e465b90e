import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, type OnModuleDestroy, Scope } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { Ack, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Server as IoServer } from 'socket.io';
import { WebSocketServer as WsServer } from 'ws';
import { type GracefulShutdownOptions } from '../../../src/index.js';
import { closeAll, holdDraining, holdLameDuck, holds, start, turns, TurnCounter } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { RawClient, request } from '../../support/raw-client.js';
import { closeClients, type Combination, combinations, goodbye, openIo, openWs, ws } from './kinds.js';

@Injectable()
class Database implements OnModuleDestroy {
  isOpen = true;
  onModuleDestroy(): void {
    this.isOpen = false;
  }
}

@WebSocketGateway()
class ChatGateway {
  @WebSocketServer()
  server!: { emit?(event: string, data: unknown): void; clients?: Set<{ send(data: string): void }> };
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): object {
    return { event: 'reply', data };
  }
}

afterEach(async () => {
  closeClients();
  await closeAll();
});

describe.each(combinations)('A $kind client on $framework', (combination: Combination) => {
  const { framework } = combination;
  const startWith = (
    drain: false | GracefulShutdownOptions | undefined,
    ...providers: (new (...args: never[]) => object)[]
  ) =>
    start(
      { framework, protocol: 'http' },
      { drain, providers: [...providers, Database], prepare: (app) => combination.prepare(app) },
    );

  it('is told to leave, and holds the shutdown up no longer', async () => {
    const { app, port, shutdown } = await startWith(undefined, ChatGateway);
    const clients = await Promise.all(Array.from({ length: 5 }, () => combination.connect(port)));
    await app.close();
    for (const client of clients) expect(await client.ended).toEqual(goodbye(combination));
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
  });

  it('gets everything that was sent before it is told to leave', async () => {
    const { app, port } = await startWith(undefined, ChatGateway);
    const client = await combination.connect(port);
    const gateway = app.get(ChatGateway);
    await turns(20);
    const text = 'x'.repeat(10_000);
    for (let number = 0; number < 200; number++) {
      if (combination.kind === 'ws') {
        for (const each of gateway.server.clients!) each.send(JSON.stringify({ data: `${number} ${text}` }));
      } else gateway.server.emit!('reply', `${number} ${text}`);
    }
    await app.close();
    expect(await client.ended).toEqual(goodbye(combination));
    expect(client.received.map((each) => parseInt(String(each)))).toEqual(
      Array.from({ length: 200 }, (_, number) => number),
    );
  });

  function disconnecting(scope: Scope) {
    const gate = new Gate();
    const seen: boolean[] = [];
    @WebSocketGateway()
    @Injectable({ scope })
    class LeavingGateway {
      constructor(private readonly database: Database) {}
      @SubscribeMessage('echo')
      echo(@MessageBody() data: unknown): object {
        return { event: 'reply', data };
      }
      async handleDisconnect(): Promise<void> {
        await gate.pass();
        seen.push(this.database.isOpen);
      }
    }
    Reflect.defineMetadata('design:paramtypes', [Database], LeavingGateway);
    return { gate, seen, gateway: LeavingGateway };
  }

  it.each([
    ['', Scope.DEFAULT],
    [' of request scope', Scope.REQUEST],
  ])('has its handleDisconnect%s ended before anything is released', async (_name, scope) => {
    const { gate, seen, gateway } = disconnecting(scope);
    const { app, port } = await startWith(undefined, gateway);
    const client = await combination.connect(port);
    client.send('echo', 1);
    await client.receives(1);
    const closed = app.close();
    await gate.entered;
    await turns(20);
    gate.release();
    await closed;
    expect(seen).toEqual([true]);
  });

  it('has its handleDisconnect run against released resources without the module', async () => {
    const { gate, seen, gateway } = disconnecting(Scope.DEFAULT);
    const { app, port } = await startWith(false, gateway);
    await combination.connect(port);
    const closed = app.close();
    await gate.entered;
    await closed;
    gate.release();
    await holds(() => seen.length > 0);
    expect(seen).toEqual([false]);
  });

  it('stays until its handleConnection has ended', async () => {
    const gate = new Gate();
    @WebSocketGateway()
    class GreetingGateway {
      async handleConnection(client: { emit(event: string, data: unknown): void; send(data: string): void }) {
        await gate.pass();
        if (combination.kind === 'ws') client.send(JSON.stringify({ data: 'hello' }));
        else client.emit('reply', 'hello');
      }
    }
    const { app, port, shutdown } = await startWith(undefined, GreetingGateway);
    const client = await combination.connect(port);
    await gate.entered;
    const closed = app.close();
    while (!shutdown.drainingSignal.aborted) await turns(1);
    await turns(20);
    gate.release();
    await client.ended;
    expect(client.received).toEqual(['hello']);
    await closed;
  });

  it('is told to leave at a moment of its own, spread over the lame duck', async () => {
    const { app, port, shutdown } = await startWith(
      { lameDuck: { minMs: 1_000, quietMs: 0, maxMs: 1_000 } },
      ChatGateway,
    );
    const clients = await Promise.all(Array.from({ length: 100 }, () => combination.connect(port)));
    const counter = new TurnCounter();
    const gone = Promise.all(clients.map((client) => client.ended.then(() => counter.now)));
    const closed = app.close();
    const late = await combination.connect(port);
    // All at once they would be told within three turns.
    expect(new Set(await gone).size).toBeGreaterThan(20);
    counter.stop();
    expect(await late.ended).toEqual(goodbye(combination));
    await closed;
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });

  it('is told to leave with all others at once where nothing is spread', async () => {
    const drain = { lameDuck: { minMs: 500, quietMs: 0, maxMs: 500 }, webSockets: { spreadMs: 0 } };
    const { app, port, shutdown } = await startWith(drain, ChatGateway);
    const clients = await Promise.all(Array.from({ length: 20 }, () => combination.connect(port)));
    const phases = clients.map((client) => client.ended.then(() => shutdown.phase));
    await app.close();
    expect(await Promise.all(phases)).not.toContain('lame-duck');
  });

  it('is told to leave while draining where the spread asked for is longer than the lame duck', async () => {
    const { app, port, shutdown } = await startWith({ webSockets: { spreadMs: 400 } }, ChatGateway);
    const clients = await Promise.all(Array.from({ length: 20 }, () => combination.connect(port)));
    const startedAt = performance.now();
    const times = clients.map((client) => client.ended.then(() => performance.now() - startedAt));
    await app.close();
    expect(Math.max(...(await Promise.all(times)))).toBeGreaterThan(250);
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });
});

describe.each(combinations.filter(({ kind }) => kind !== 'ws'))('socket.io ($kind) on $framework', (combination) => {
  const { framework, kind } = combination;
  const transports = [kind === 'socket.io' ? 'websocket' : 'polling'];

  it('has clients that come back by themselves', async () => {
    const { app, port } = await start({ framework, protocol: 'http' }, { providers: [ChatGateway] });
    const { socket, client } = await openIo(port, '', { transports, reconnection: true });
    await app.close();
    expect(await client.ended).toEqual(goodbye(combination));
    expect(socket.active).toBe(true);
  });

  it('would have clients that stay away with disconnectSockets()', async () => {
    const { app, port } = await start({ framework, protocol: 'http' }, { providers: [ChatGateway] });
    const { socket, client } = await openIo(port, '', { transports, reconnection: true });
    (app.get(ChatGateway).server as unknown as IoServer).disconnectSockets(true);
    await client.ended;
    expect(socket.active).toBe(false);
  });

  it('lets the clients of several namespaces and paths go', async () => {
    @WebSocketGateway({ namespace: 'orders' })
    class OrdersGateway {}
    @WebSocketGateway({ namespace: 'users' })
    class UsersGateway {}
    @WebSocketGateway({ path: '/other' })
    class OtherGateway {}
    const { app, port, shutdown } = await start(
      { framework, protocol: 'http' },
      { providers: [OrdersGateway, UsersGateway, OtherGateway] },
    );
    const opened = await Promise.all([
      openIo(port, '/orders', { transports }),
      openIo(port, '/users', { transports }),
      openIo(port, '', { transports, path: '/other' }),
    ]);
    await app.close();
    for (const { client } of opened) expect(await client.ended).toEqual(goodbye(combination));
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });

  it('names a client that does not answer', async () => {
    const { app, port, shutdown } = await start(
      { framework, protocol: 'http' },
      { drain: { webSockets: { closeTimeoutMs: 100 } }, providers: [ChatGateway] },
    );
    const handshake = `/socket.io/?EIO=4&transport=${transports[0]}`;
    // One that never polls again, or never reads the close frame.
    if (kind === 'socket.io') await upgraded(port, handshake);
    else await request(`http://127.0.0.1:${port}${handshake}`);
    await turns(20);
    await app.close();
    expect(await shutdown.closed).toMatchObject({
      outcome: 'drained',
      leftovers: [{ kind: 'websocket', name: 'socket.io server /socket.io' }],
    });
  });

  it('leaves ordinary requests counted once, and served', async () => {
    const gate = new Gate();
    @Controller()
    class OrdersController {
      @Get('orders')
      async orders(): Promise<string> {
        await gate.pass();
        return 'ordered';
      }
    }
    @WebSocketGateway({ path: '/other' })
    class OtherGateway {}
    const running = await start(
      { framework, protocol: 'http' },
      { controllers: [OrdersController], providers: [ChatGateway, OtherGateway] },
    );
    const late = new IoServer(running.server, { path: '/late' });
    running.shutdown.attachServer(late);
    const { client } = await openIo(running.port, '', { transports, path: '/late' });
    await turns(20);
    const before = running.shutdown.inFlight;
    const answer = request(`${running.url}/orders`);
    await gate.entered;
    expect(running.shutdown.inFlight - before).toBe(1);
    const held = await holdLameDuck(running);
    expect(await request(`${running.url}/nothing`)).toMatchObject({ status: 404 });
    held.release();
    while (!running.shutdown.drainingSignal.aborted) await turns(1);
    await turns(3);
    expect(await request(`${running.url}/orders`)).toMatchObject({ status: 503 });
    gate.release();
    expect(await answer).toMatchObject({ status: 200, text: 'ordered' });
    expect(await client.ended).toEqual(goodbye(combination));
    await held.end();
  });

  it('has an ack that is given by hand, after its handler has ended, arrive', async () => {
    const gate = new Gate();
    @WebSocketGateway()
    class AckGateway {
      @SubscribeMessage('later')
      later(@Ack() ack: (text: string) => void): void {
        void gate.pass().then(() => ack('acknowledged'));
      }
    }
    const { app, port, shutdown } = await start({ framework, protocol: 'http' }, { providers: [AckGateway] });
    const { socket } = await openIo(port, '', { transports });
    const answer = new Promise((resolve) => socket.emit('later', 'a', resolve));
    await gate.entered;
    const closed = app.close();
    while (!shutdown.drainingSignal.aborted) await turns(1);
    await turns(20);
    gate.release();
    expect(await answer).toBe('acknowledged');
    await closed;
  });
});

describe.each(['express', 'fastify'] as const)('A ws server on %s', (framework) => {
  const startChat = (drain?: GracefulShutdownOptions, ...providers: (new () => object)[]) =>
    start(
      { framework, protocol: 'http' },
      { drain, providers: [ChatGateway, ...providers], prepare: (app) => ws.prepare(app) },
    );

  it('names a client that does not answer the close frame', async () => {
    // Long enough for the one that does answer, on a busy machine too.
    const running = await startChat({ webSockets: { closeTimeoutMs: 1_500 } });
    const silent = await upgraded(running.port);
    const { client } = await openWs(running.port);
    await running.app.close();
    expect(await client.ended).toEqual(goodbye(ws));
    expect(await running.shutdown.closed).toMatchObject({
      outcome: 'drained',
      leftovers: [{ kind: 'websocket', name: 'ws server /', detail: expect.stringContaining('1500 ms') as unknown }],
    });
    expect(Buffer.from(silent.text, 'latin1').includes(Buffer.from('The server is shutting down'))).toBe(true);
  });

  it('names a client that is cut at the drain deadline', async () => {
    const running = await startChat({ drainTimeoutMs: 200, webSockets: { closeTimeoutMs: 10_000 } });
    await upgraded(running.port);
    await running.app.close();
    expect(await running.shutdown.closed).toMatchObject({
      outcome: 'timed-out',
      leftovers: [{ kind: 'websocket', name: 'ws server /' }],
    });
  });

  it('does not execute a message behind its close frame', async () => {
    const seen: unknown[] = [];
    @WebSocketGateway({ path: '/log' })
    class LogGateway {
      @SubscribeMessage('log')
      log(@MessageBody() data: unknown): void {
        seen.push(data);
      }
    }
    const running = await startChat({ webSockets: { closeTimeoutMs: 500 } }, LogGateway);
    const raw = await upgraded(running.port, '/log');
    raw.write(frame(JSON.stringify({ event: 'log', data: 'before' })));
    await holds(() => seen.length > 0);
    const closed = running.app.close();
    await raw.until((text) => text.includes('The server is shutting down'));
    raw.write(frame(JSON.stringify({ event: 'log', data: 'behind' })));
    await closed;
    expect(seen).toEqual(['before']);
  });

  it('closes with the code and the reason of the options', async () => {
    const { app, port } = await startChat({ webSockets: { closeCode: 1012, closeReason: 'back soon' } });
    const { client } = await openWs(port);
    await app.close();
    expect(await client.ended).toEqual({ code: 1012, reason: 'back soon' });
  });

  it('lets the clients of several gateways go', async () => {
    @WebSocketGateway({ path: '/other' })
    class OtherGateway {}
    const { app, port, shutdown } = await startChat({}, OtherGateway);
    const opened = await Promise.all([openWs(port), openWs(port, '/other')]);
    await app.close();
    for (const { client } of opened) expect(await client.ended).toEqual(goodbye(ws));
    expect(await shutdown.closed).toMatchObject({ clean: true, leftovers: [] });
  });

  it.each([true, false])('of the user is drained once attached (clientTracking %s)', async (clientTracking) => {
    const running = await start({ framework, protocol: 'http' }, {});
    const server = new WsServer({ server: running.server, path: '/mine', clientTracking });
    running.shutdown.attachServer(server);
    const { client } = await openWs(running.port, '/mine');
    expect(running.shutdown.inFlight).toBe(0);
    await running.app.close();
    expect(await client.ended).toEqual(goodbye(ws));
    expect(await running.shutdown.closed).toMatchObject({ clean: true, leftovers: [] });
  });

  it('of the user is cut at the deadline when it is not attached', async () => {
    const running = await start({ framework, protocol: 'http' }, { drain: 200 });
    new WsServer({ server: running.server, path: '/mine' });
    const { client } = await openWs(running.port, '/mine');
    await running.app.close();
    expect((await client.ended).code).toBe(1006);
  });
});

describe('A gateway adapter', () => {
  it('that is set twice, and one of its own making, is met once', async () => {
    class CustomAdapter extends IoAdapter {
      override createIOServer(port: number, options?: object): ReturnType<IoAdapter['createIOServer']> {
        const custom: unknown = { ...options, path: '/custom' };
        return super.createIOServer(port, custom as Parameters<IoAdapter['createIOServer']>[1]);
      }
    }
    const { app, port, shutdown } = await start(
      { framework: 'express', protocol: 'http' },
      {
        providers: [ChatGateway],
        prepare: (app) => {
          const adapter = new CustomAdapter(app);
          app.useWebSocketAdapter(adapter);
          app.useWebSocketAdapter(adapter);
        },
      },
    );
    const { client } = await openIo(port, '', { path: '/custom' });
    client.send('echo', 1);
    expect(await client.receives(1)).toEqual([1]);
    await app.close();
    expect(await client.ended).toMatchObject({ code: 1001 });
    expect((await shutdown.closed).inFlight.finished).toBe(0);
  });

  it('of something that is no server is left alone', async () => {
    const running = await start({ framework: 'express', protocol: 'http' }, {});
    expect(() => running.shutdown.attachServer({ clients: {} })).toThrow(/^Expected attachServer\(\)/);
    const held = await holdDraining(running);
    await held.end();
  });
});

/** A client that has shaken hands, and then only writes what a test tells it to. */
async function upgraded(port: number, path = '/'): Promise<RawClient> {
  const raw = await RawClient.connect(port);
  raw.write(
    [
      `GET ${path} HTTP/1.1`,
      'Host: localhost',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${Buffer.alloc(16, 'k').toString('base64')}`,
      '',
      '',
    ].join('\r\n'),
  );
  await raw.until((text) => text.includes('101 Switching Protocols') && text.includes('\r\n\r\n'));
  return raw;
}

/** A masked text frame, with a mask of zeros. */
function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}
