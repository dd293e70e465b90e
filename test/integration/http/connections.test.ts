import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Res } from '@nestjs/common';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { closeAll, connect, frameworks, holdDraining, holds, platforms, turns } from '../../support/applications.js';
import { RawClient } from '../../support/raw-client.js';
import { rawResponse, startOrders } from './orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
const upgrade = 'GET /socket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

/** Much more than the kernel's buffers hold. */
const answerBytes = 12 * 1024 * 1024;

/** How long an idle connection is kept once draining has begun. */
const lingerMs = 50;

/** A lame duck, which ends by itself at once: clients are there. */
const underTraffic = { lameDuck: { minMs: 0, quietMs: 0, maxMs: 0 } };

/** Keeps the event loop from turning: when it does, timers come before what has been read. */
function stall(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

/** Speaks a protocol that echoes. */
function echo(_request: IncomingMessage, socket: Socket): void {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
  socket.on('error', () => undefined);
}

describe.each(platforms)('A connection on $framework over $protocol', (platform) => {
  const { protocol } = platform;
  afterEach(closeAll);

  it('that is idle is closed with FIN while other work is still in flight', async () => {
    const orders = await startOrders(platform);
    const { client } = await connect(orders);
    client.write(get('/orders'));
    await client.answers(1);
    const closing = await holdDraining(orders);
    expect(await client.ended).toBe('fin');
    expect(orders.shutdown.phase).toBe('draining');
    expect(await closing.end()).toMatchObject({ outcome: 'drained', leftovers: [] });
  });

  it('that comes to rest while draining is kept for the linger where clients are there, and may be about to write', async () => {
    const orders = await startOrders(platform, { drain: underTraffic });
    const { client, socket } = await connect(orders);
    let restedAt = NaN;
    let closedAt = NaN;
    orders.server.prependOnceListener('request', (_request, response) =>
      response.once('finish', () => (restedAt = performance.now())),
    );
    socket.once('close', () => (closedAt = performance.now()));
    client.write(get('/stream/a'));
    await client.until((text) => text.includes('begun'));
    const closing = await holdDraining(orders);
    orders.gate('a').release();
    expect(await client.ended).toBe('fin');
    await closing.end();
    // Counted from a whole ms, by a timer that may come one early.
    expect(closedAt - restedAt).toBeGreaterThanOrEqual(lingerMs - 2);
  });

  it('that is silent does not keep the application from closing', async () => {
    const orders = await startOrders(platform);
    const { client } = await connect(orders);
    await orders.app.close();
    expect(await client.ended).toBe('fin');
  });

  // TLS handshakes are dear, with both ends in one process.
  const idle = protocol === 'https' ? 70 : 200;

  it(`among ${idle} idle ones is closed with FIN`, async () => {
    const orders = await startOrders(platform);
    const clients = await Promise.all(Array.from({ length: idle }, () => RawClient.connect(orders.port, protocol)));
    for (const client of clients) client.write(get('/orders'));
    await Promise.all(clients.map((client) => client.answers(1)));
    await orders.app.close();
    expect(new Set(await Promise.all(clients.map((client) => client.ended)))).toEqual(new Set(['fin']));
  });

  it.each([
    { what: 'its next request is answered, with close', stallMs: 0 },
    { what: 'its next request is read before it is closed, however busy the machine', stallMs: lingerMs + 10 },
  ])('whose head said keep-alive is not cut when its answer ends: $what', async ({ stallMs }) => {
    const orders = await startOrders(platform, { drain: underTraffic });
    const { client } = await connect(orders);
    const respond = (_request: IncomingMessage, response: ServerResponse) => {
      // As early as any client could: the linger is about to begin.
      response.once('close', () => {
        client.write(get('/orders'));
        if (stallMs > 0) process.nextTick(stall, stallMs);
      });
    };
    orders.server.prependOnceListener('request', respond);
    client.write(get('/stream/a'));
    await client.until((text) => text.includes('begun'));
    const closing = await holdDraining(orders);
    orders.gate('a').release();
    const [stream, next] = await client.answers(2);
    expect(stream).toMatchObject({ status: 200, body: 'begun ended' });
    expect(stream!.headers.connection).not.toBe('close');
    expect(next).toMatchObject({ status: 503, headers: { connection: 'close' } });
    expect(await client.ended).toBe('fin');
    await closing.end();
  });

  it('with two pipelined requests in flight gets both answers', async () => {
    const orders = await startOrders(platform);
    const { client } = await connect(orders);
    client.write(get('/orders/a') + get('/orders/b'));
    await Promise.all([orders.gate('a').entered, orders.gate('b').entered]);
    const closing = await holdDraining(orders);
    closing.release();
    orders.gate('a').release();
    await client.answers(1);
    orders.gate('b').release();
    const answers = await client.answers(2);
    expect(answers.map(({ body }) => JSON.parse(body) as object)).toEqual([
      { name: 'a', isOpen: true },
      { name: 'b', isOpen: true },
    ]);
    expect(answers.map(({ headers }) => headers.connection === 'close')).toEqual([false, true]);
    expect(await client.ended).toBe('fin');
    await closing.end();
  });

  it.each(['gets the whole of it', 'gets the whole of it, though somebody calls server.close() meanwhile'])(
    'that takes long to read an answer which has ended %s',
    async (what) => {
      @Controller()
      class DownloadController {
        @Get('download')
        async download(@Res() response: object): Promise<void> {
          const raw = rawResponse(response);
          await turns(1);
          raw.setHeader('content-length', answerBytes).end(Buffer.alloc(answerBytes, 'x'));
        }
      }
      const orders = await startOrders(platform, { controllers: [DownloadController] });
      const { client, socket } = await connect(orders);
      const ended = new Promise<boolean>((resolve) =>
        orders.server.prependOnceListener('request', (_request, response) =>
          response.once('prefinish', () => resolve(response.writableFinished)),
        ),
      );
      client.socket.pause();
      client.write(get('/download'));
      expect(await ended).toBe(false);

      const { client: idle } = await connect(orders);
      const closing = await holdDraining(orders);
      if (what.includes('server.close()')) orders.server.close();
      closing.release();
      await idle.ended;
      expect(socket.writableLength).toBeGreaterThan(0);
      client.socket.resume();
      expect(await client.ended).toBe('fin');
      const [answer] = await client.answers(1);
      expect(answer!.body).toHaveLength(answerBytes);
      expect(await closing.end()).toMatchObject({ outcome: 'drained', leftovers: [] });
    },
  );

  it('that begins a request while draining may take longer over it than the linger', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const { client, socket } = await connect(orders);
    const { bytesRead } = socket;
    client.write(get('/orders').slice(0, -6));
    await holds(() => socket.bytesRead > bytesRead);
    const { client: idle } = await connect(orders);
    await idle.ended;
    client.write(get('/orders').slice(-6));
    expect(await client.answers(1)).toMatchObject([{ status: 503, headers: { connection: 'close' } }]);
    expect(await client.ended).toBe('fin');
    await closing.end();
  });

  it('that never completes the head it has begun while draining is closed long before the deadline', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const { client, socket } = await connect(orders);
    const { bytesRead } = socket;
    client.write(get('/orders').slice(0, -6));
    await holds(() => socket.bytesRead > bytesRead);
    const report = await closing.end();
    expect(report).toMatchObject({ outcome: 'drained', leftovers: [] });
    expect(report.totalMs).toBeLessThan(4_000);
    await client.ended;
  });

  it('that was upgraded is not broken, and is given the time of the drain', async () => {
    const orders = await startOrders(platform, { prepare: (app) => app.getHttpServer().on('upgrade', echo) });
    const { client } = await connect(orders);
    client.write(upgrade);
    await client.until((text) => text.includes('\r\n\r\n'));
    const closing = await holdDraining(orders);
    closing.release();
    const { client: idle } = await connect(orders);
    await idle.ended;
    client.write('still there?');
    await client.until((text) => text.endsWith('still there?'));
    expect(orders.shutdown.phase).toBe('draining');
    client.socket.end();
    expect(await closing.end()).toMatchObject({ outcome: 'drained', leftovers: [] });
  });

  it('that asks for an upgrade while draining is refused', async () => {
    const orders = await startOrders(platform, { prepare: (app) => app.getHttpServer().on('upgrade', echo) });
    const closing = await holdDraining(orders);
    const { client } = await connect(orders);
    client.write(upgrade);
    const [answer] = await client.answers(1);
    expect(answer).toMatchObject({ status: 503, headers: { connection: 'close', 'retry-after': '1' } });
    expect(JSON.parse(answer!.body)).toMatchObject({ statusCode: 503 });
    expect(await client.ended).toBe('fin');
    expect(await closing.end()).toMatchObject({ refused: 1, outcome: 'drained' });
  });

  it('that is a CONNECT tunnel is given the time of the drain, and late ones are refused', async () => {
    const orders = await startOrders(platform, {
      prepare: (app) =>
        app.getHttpServer().on('connect', (_request: unknown, socket: Socket) => {
          socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
          socket.pipe(socket);
        }),
    });
    const tunnel = 'CONNECT other:80 HTTP/1.1\r\nHost: other:80\r\n\r\n';
    const { client } = await connect(orders);
    client.write(tunnel);
    await client.until((text) => text.includes('\r\n\r\n'));
    expect(orders.shutdown.inFlight).toBe(1);
    const closing = await holdDraining(orders);
    const { client: late } = await connect(orders);
    late.write(tunnel);
    expect(await late.answers(1)).toMatchObject([{ status: 503, headers: { connection: 'close' } }]);
    closing.release();
    client.write('still there?');
    await client.until((text) => text.endsWith('still there?'));
    client.socket.end();
    expect(await closing.end()).toMatchObject({ outcome: 'drained', leftovers: [], refused: 1 });
  });

  it('that asks for an upgrade nobody has ever listened for is answered like any other', async () => {
    const orders = await startOrders(platform);
    const { client: before } = await connect(orders);
    before.write(upgrade.replace('/socket', '/orders'));
    expect(await before.answers(1)).toMatchObject([{ status: 200 }]);
    const closing = await holdDraining(orders);
    const { client } = await connect(orders);
    client.write(upgrade.replace('/socket', '/orders'));
    expect(await client.answers(1)).toMatchObject([{ status: 503 }]);
    await closing.end();
  });
});

describe.each(frameworks)('Without the module, on %s', (framework) => {
  const platform = { framework, protocol: 'http' } as const;
  afterEach(closeAll);

  it('a silent connection keeps the application from closing until its client leaves', async () => {
    const orders = await startOrders(platform, { drain: false });
    const { client: idle } = await connect(orders);
    idle.write(get('/orders'));
    await idle.answers(1);
    const { client } = await connect(orders);
    const order: string[] = [];
    const closed = orders.app.close().then(() => order.push('the application closed'));
    await idle.ended;
    await turns(20);
    order.push('the client left');
    client.destroy();
    await closed;
    expect(order).toEqual(['the client left', 'the application closed']);
  });

  it('two pipelined requests in flight meet a closed database', async () => {
    const orders = await startOrders(platform, { drain: false });
    const { client } = await connect(orders);
    client.write(get('/orders/a') + get('/orders/b'));
    await Promise.all([orders.gate('a').entered, orders.gate('b').entered]);
    const closed = orders.app.close();
    await holds(() => !orders.server.listening);
    orders.gate('a').release();
    orders.gate('b').release();
    const answers = await client.answers(2);
    expect(answers.map(({ body }) => JSON.parse(body) as object)).toEqual([
      { name: 'a', isOpen: false },
      { name: 'b', isOpen: false },
    ]);
    client.destroy();
    await closed;
  });
});

describe("Node's own closeIdleConnections()", () => {
  let server: Server;
  afterEach(() => void server.close());

  async function listen(answer: RequestListener): Promise<RawClient> {
    server = createServer(answer);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return RawClient.connect((server.address() as AddressInfo).port);
  }

  it('cuts an answer that has ended and is not flushed', async () => {
    let ended!: () => void;
    const hasEnded = new Promise<void>((resolve) => (ended = resolve));
    const client = await listen((_request, response) => {
      response.setHeader('content-length', answerBytes).end(Buffer.alloc(answerBytes, 'x'));
      ended();
    });
    client.socket.pause();
    client.write(get('/'));
    await hasEnded;
    server.closeIdleConnections();
    client.socket.resume();
    await client.ended;
    expect(client.text.length).toBeLessThan(answerBytes);
  });

  it('loses the request that follows an answer at once', async () => {
    const client = await listen((_request, response) => {
      response.end('a');
      response.once('close', () => {
        client.write(get('/next'));
        server.closeIdleConnections();
      });
    });
    client.write(get('/'));
    await client.ended;
    expect((await client.answers(1)).length).toBe(1);
  });
});
