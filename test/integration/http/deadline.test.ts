import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Res } from '@nestjs/common';
import { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';
import { GracefulShutdown } from '../../../src/index.js';
import { closeAll, connect, holds, platforms, refuses } from '../../support/applications.js';
import { type RawClient, request } from '../../support/raw-client.js';
import { Database, type Orders, rawResponse, startOrders } from './orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
const drain = { drainTimeoutMs: 200 };
/** What aborted work gets, and what a busy machine may add. */
const slackMs = 2_000;

/** A client that misbehaves: what it does before the shutdown, and what the report calls it. */
interface Misbehaviour {
  readonly what: string;
  begin(client: RawClient, orders: Orders): Promise<unknown>;
  readonly leftover: { readonly kind: string; readonly name: string; readonly detail?: string };
}

const written = async (client: RawClient, socket: Socket, text: string) => {
  const { bytesRead } = socket;
  client.write(text);
  await holds(() => socket.bytesRead > bytesRead);
};

const misbehaviours: readonly Misbehaviour[] = [
  {
    what: 'waits for a handler that hangs',
    begin: (client, orders) => {
      client.write(get('/orders/a?token=secret'));
      return orders.gate('a').entered;
    },
    leftover: { kind: 'request', name: 'GET /orders/:name' },
  },
  {
    what: 'reads a stream that never ends',
    begin: (client) => {
      client.write(get('/stream/a?token=secret'));
      return client.until((text) => text.includes('begun'));
    },
    leftover: { kind: 'request', name: 'GET /stream/:name' },
  },
  {
    what: 'has sent half a head',
    begin: (client, orders) => written(client, orders.sockets[0]!, 'GET /orders?token=secret HTTP/1.1\r\nHo'),
    leftover: { kind: 'connection', name: 'http server', detail: 'half a request head' },
  },
  {
    what: 'sends its head one byte after the other',
    begin: async (client, orders) => {
      await written(client, orders.sockets[0]!, 'GET /orders HTTP/1.1\r\nX-Slow: ');
      const drip = setInterval(() => client.write('x'), 10);
      client.socket.once('close', () => clearInterval(drip));
    },
    leftover: { kind: 'connection', name: 'http server', detail: 'half a request head' },
  },
  {
    what: 'never sends the rest of its body',
    begin: async (client, orders) => {
      client.write(
        'POST /orders HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
      );
      await holds(() => orders.shutdown.inFlight === 1);
    },
    leftover: { kind: 'request', name: 'POST (no route)' },
  },
  {
    what: 'never sends the rest of a body that was answered',
    begin: async (client) => {
      client.write('POST /middleware HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n{');
      await client.answers(1);
    },
    leftover: { kind: 'connection', name: 'http server', detail: 'the rest of a request body' },
  },
  {
    what: 'keeps an upgraded connection',
    begin: (client, orders) => {
      orders.server.on('upgrade', (_request: IncomingMessage, socket: Socket) => socket.write('HTTP/1.1 101 \r\n\r\n'));
      client.write('GET /a HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      return client.until((text) => text.includes('\r\n\r\n'));
    },
    leftover: { kind: 'upgrade', name: 'echo' },
  },
  {
    what: 'keeps a tunnel',
    begin: (client, orders) => {
      orders.server.on('connect', (_request: IncomingMessage, socket: Socket) => socket.write('HTTP/1.1 200 \r\n\r\n'));
      client.write('CONNECT other:80 HTTP/1.1\r\nHost: other\r\n\r\n');
      return client.until((text) => text.includes('\r\n\r\n'));
    },
    leftover: { kind: 'upgrade', name: 'CONNECT' },
  },
];

describe.each(platforms)('Past the drain deadline on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  it.each(misbehaviours)('a client that $what is cut and named', async ({ begin, leftover }) => {
    const orders = await startOrders(platform, { drain });
    const { client } = await connect(orders);
    await begin(client, orders);
    await orders.app.close();
    await client.ended;
    const report = await orders.shutdown.closed;
    expect(report).toMatchObject({ outcome: 'timed-out', clean: false });
    expect(report.leftovers).toEqual([{ ...leftover, ageMs: expect.any(Number) }]);
    expect(report.leftovers[0]!.ageMs).toBeGreaterThanOrEqual(drain.drainTimeoutMs - 1);
    expect(JSON.stringify(report)).not.toContain('secret');
    expect(report.totalMs).toBeGreaterThanOrEqual(drain.drainTimeoutMs - 1);
    expect(report.totalMs).toBeLessThan(drain.drainTimeoutMs + slackMs);
  });

  it('no shutdown goes for a handler alone whose client has left: it is named, and the end is clean', async () => {
    const orders = await startOrders(platform, { drain });
    const { client, socket } = await connect(orders);
    client.write(get('/orders/a'));
    await orders.gate('a').entered;
    client.destroy();
    await holds(() => socket.destroyed);
    await orders.app.close();
    expect(await orders.shutdown.closed).toMatchObject({
      outcome: 'drained',
      clean: true,
      leftovers: [{ kind: 'handler', name: 'GET /orders/:name', detail: 'abandoned: its client had gone' }],
    });
  });

  it('work in flight hears of it first, and may end by itself', async () => {
    const orders: Orders = await startOrders(platform, {
      drain,
      controllers: [abortable()],
    });
    const answer = request(`${orders.url}/abortable/1`);
    await holds(() => orders.shutdown.inFlight === 1);
    const database = orders.app.get(Database);
    let wasOpen: boolean | undefined;
    orders.shutdown.abortSignal.addEventListener('abort', () => (wasOpen = database.isOpen));
    await orders.app.close();
    expect(wasOpen).toBe(true);
    expect(await answer).toMatchObject({ status: 200, body: { ended: 'by its abort signal' } });
    const report = await orders.shutdown.closed;
    expect(report).toMatchObject({
      outcome: 'timed-out',
      clean: false,
      leftovers: [{ name: 'GET /abortable/:id', detail: 'ended once its abort signal had fired' }],
    });
    expect(report.advice.join()).toContain('GET /abortable/:id');
  });

  it('comes at once with drainTimeoutMs: 0', async () => {
    const orders = await startOrders(platform, { drain: 0 });
    const { client } = await connect(orders);
    client.write(get('/orders/a'));
    await orders.gate('a').entered;
    await orders.app.close();
    await client.ended;
    const report = await orders.shutdown.closed;
    expect(report).toMatchObject({ outcome: 'timed-out', leftovers: [{ name: 'GET /orders/:name' }] });
    expect(report.totalMs).toBeLessThan(slackMs);
  });

  it('nobody is served any longer, though providers have yet to be destroyed', async () => {
    const orders = await startOrders(platform, { drain });
    orders.shutdown.onShutdown('releasing', () => orders.gate('release').pass(), { timeoutMs: 15_000 });
    const { client } = await connect(orders);
    client.write(get('/orders/a'));
    await orders.gate('a').entered;
    const closed = orders.app.close();
    await refuses(orders.shutdown);
    await orders.gate('release').entered;
    expect(orders.app.get(Database).isOpen).toBe(true);
    await expect(request(`${orders.url}/orders`)).rejects.toThrow('ECONNREFUSED');
    orders.gate('release').release();
    await closed;
    expect(await orders.shutdown.drained).toBe('timed-out');
  });
});

function abortable() {
  @Controller()
  class AbortableController {
    constructor(private readonly shutdown: GracefulShutdown) {}

    @Get('abortable/:id')
    async abortable(@Param('id') _id: string, @Res() response: object): Promise<void> {
      await new Promise((resolve) => this.shutdown.abortSignal.addEventListener('abort', resolve));
      rawResponse(response).end('{"ended":"by its abort signal"}');
    }
  }
  return AbortableController;
}
