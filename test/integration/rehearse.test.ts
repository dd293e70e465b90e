import { afterEach, describe, expect, it } from '@jest/globals';
import { Agent } from 'node:http';
import { type GracefulShutdownOptions, type RehearsalReport } from '../../src/index.js';
import { closeAll, connect, frameworks, holds, type RunningApplication } from '../support/applications.js';
import { Http2Client } from '../support/http2-client.js';
import { RawClient, request } from '../support/raw-client.js';
import { type Orders, startOrders } from './http/orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
const drain: GracefulShutdownOptions = { allowRehearsal: true };
/** Longer than any test: these end it by a shutdown, or look at it while it runs. */
const forMs = 60_000;

const ready = ({ url }: RunningApplication) => request(`${url}/health/ready`, { headers: { 'user-agent': 'probe/1' } });

/** What `during` asks takes some ten ms; a busy machine may take a hundred times as long. */
const rehearsedMs = 2_000;

/** Rehearses for long enough to let `during` end, as the tests that use it require. */
async function rehearsed(orders: Orders, during: () => Promise<void>): Promise<RehearsalReport> {
  const report = orders.shutdown.rehearse({ forMs: rehearsedMs });
  await during();
  return report;
}

/** Everything that somebody listens for on the server, and who. */
function listenersOf({ server }: RunningApplication): Record<string, unknown[]> {
  return Object.fromEntries(server.eventNames().map((name) => [String(name), server.listeners(name)]));
}

describe.each(frameworks)('A rehearsal on %s', (framework) => {
  const platform = { framework, protocol: 'http' } as const;
  afterEach(closeAll);

  it('fails readiness, serves everything in phase running, and tells clients to leave', async () => {
    const orders = await startOrders(platform, { drain });
    await ready(orders);
    const report = await rehearsed(orders, async () => {
      expect(await ready(orders)).toMatchObject({
        status: 503,
        body: { ready: { status: 'down', phase: 'running', detail: 'rehearsal' } },
      });
      expect(await request(`${orders.url}/health/live`)).toMatchObject({ status: 200 });
      const agent = new Agent({ keepAlive: true });
      for (const [path, status] of [
        ['/orders', 200],
        ['/middleware', 200],
        ['/nowhere', 404],
      ] as const) {
        const answer = await request(orders.url + path, { agent });
        expect({ path, status: answer.status, connection: answer.headers.connection }).toEqual({
          path,
          status,
          connection: 'close',
        });
      }
      expect(orders.shutdown.phase).toBe('running');
    });
    expect(report).toMatchObject({
      endedBy: 'time',
      requestedMs: rehearsedMs,
      requests: 3,
      newConnections: 3,
      probes: { seen: 1, by: [{ name: 'GET /health/ready', userAgent: 'probe/1', count: 1 }] },
    });
    expect(report.ms).toBeGreaterThanOrEqual(rehearsedMs - 1);
  });

  it('leaves nothing of itself: readiness is up, clients stay, and the server has the listeners it had', async () => {
    const orders = await startOrders(platform, { drain });
    await ready(orders);
    const before = listenersOf(orders);
    await rehearsed(orders, async () => void (await request(`${orders.url}/orders`)));
    expect(listenersOf(orders)).toEqual(before);
    for (const [event, listeners] of Object.entries(before)) {
      orders.server.listeners(event).forEach((listener, place) => expect(listener).toBe(listeners[place]));
    }
    expect(await ready(orders)).toMatchObject({ status: 200, body: { ready: { status: 'up', phase: 'running' } } });
    const agent = new Agent({ keepAlive: true });
    expect(await request(`${orders.url}/orders`, { agent })).toMatchObject({ headers: { connection: 'keep-alive' } });
    agent.destroy();
  });

  it('takes Connection: close back from an answer that is unsent when it ends', async () => {
    const orders = await startOrders(platform, { drain });
    const { client, socket } = await connect(orders);
    await rehearsed(orders, async () => {
      client.write(get('/orders/a'));
      await orders.gate('a').entered;
    });
    orders.gate('a').release();
    const [answer] = await client.answers(1);
    expect(answer!.status).toBe(200);
    expect(answer!.headers.connection).not.toBe('close');
    expect(Object.hasOwn(socket, 'destroySoon')).toBe(false);
    client.write(get('/orders'));
    expect((await client.answers(2))[1]).toMatchObject({ status: 200 });
    client.destroy();
  });

  it('tells a client whose answer was unsent when it began', async () => {
    const orders = await startOrders(platform, { drain });
    const { client } = await connect(orders);
    client.write(get('/orders/a'));
    await orders.gate('a').entered;
    const report = await rehearsed(orders, async () => {
      orders.gate('a').release();
      expect((await client.answers(1))[0]).toMatchObject({ status: 200, headers: { connection: 'close' } });
      expect(await client.ended).toBe('fin');
    });
    expect(report).toMatchObject({ requests: 0, inFlight: { atStart: 1, atEnd: 0, max: 1 } });
  });

  it('executes nothing that arrives behind an answer which has said close', async () => {
    const orders = await startOrders(platform, { drain });
    await rehearsed(orders, async () => {
      const { client, socket } = await connect(orders);
      client.write(get('/stream/a'));
      expect(await client.until((text) => text.includes('begun'))).toMatch(/connection: close/i);
      const { bytesRead } = socket;
      client.write('POST /orders HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n');
      await holds(() => socket.bytesRead > bytesRead);
      orders.gate('a').release();
      expect(await client.ended).toBe('fin');
    });
    expect(orders.executed).toEqual([]);
  });

  it('tells requests on new connections from those on old ones', async () => {
    const orders = await startOrders(platform, { drain });
    const old = await RawClient.connect(orders.port);
    old.write(get('/orders'));
    await old.answers(1);
    const report = await rehearsed(orders, async () => {
      old.write(get('/orders'));
      await old.answers(2);
      await request(`${orders.url}/orders`);
    });
    expect(report).toMatchObject({
      requests: 2,
      newConnections: 1,
      lastNewConnectionMs: expect.any(Number),
      advice: [expect.stringContaining('No probe asked'), expect.stringContaining('Rehearse for longer')],
    });
  });

  it('is ended at once by a shutdown, whose lame duck is whole', async () => {
    const lameDuck = { minMs: 300, quietMs: 0, maxMs: 400 };
    const orders = await startOrders(platform, { drain: { ...drain, lameDuck } });
    // What is asked in the lame duck is asked in time, on a busy machine too.
    const asked = orders.gate('asked');
    orders.shutdown.onShutdown('lame-duck', () => asked.pass(), { timeoutMs: 15_000 });
    await ready(orders);
    const report = orders.shutdown.rehearse({ forMs });
    await ready(orders);
    const held = request(`${orders.url}/orders/a`);
    await orders.gate('a').entered;
    const closed = orders.app.close();
    expect(await report).toMatchObject({ endedBy: 'shutdown', requestedMs: forMs, inFlight: { atEnd: 1 } });
    expect(await ready(orders)).toMatchObject({ body: { ready: { status: 'down', phase: 'lame-duck' } } });
    expect(await request(`${orders.url}/orders`)).toMatchObject({ status: 200, headers: { connection: 'close' } });
    orders.gate('a').release();
    expect(await held).toMatchObject({ status: 200, headers: { connection: 'close' }, body: { isOpen: true } });
    asked.release();
    await closed;
    const { phases, ...shutdown } = await orders.shutdown.closed;
    expect(shutdown).toMatchObject({ clean: true, refused: 0, afterUnready: { count: 1 } });
    expect(phases[0]!.ms).toBeGreaterThanOrEqual(299);
  });

  it('is refused once a shutdown has begun, and while another one runs', async () => {
    const orders = await startOrders(platform, { drain });
    const first = orders.shutdown.rehearse({ forMs });
    await expect(orders.shutdown.rehearse({ forMs })).rejects.toMatchObject({ code: 'DRAIN_REHEARSAL_RUNNING' });
    await orders.app.close();
    await first;
    await expect(orders.shutdown.rehearse({ forMs })).rejects.toMatchObject({ code: 'DRAIN_TOO_LATE' });
  });

  it('is refused without the option, and nothing happens', async () => {
    const orders = await startOrders(platform);
    await expect(orders.shutdown.rehearse({ forMs })).rejects.toMatchObject({ code: 'DRAIN_REHEARSAL_NOT_ALLOWED' });
    expect(await ready(orders)).toMatchObject({ status: 200 });
  });

  it('is not what an application goes through that does not rehearse', async () => {
    const orders = await startOrders(platform, { drain });
    const agent = new Agent({ keepAlive: true });
    expect(await ready(orders)).toMatchObject({ status: 200, body: { ready: { status: 'up' } } });
    expect(await request(`${orders.url}/orders`, { agent })).toMatchObject({ headers: { connection: 'keep-alive' } });
    agent.destroy();
  });
});

describe('A rehearsal', () => {
  afterEach(closeAll);

  it('does not tell HTTP/2 sessions, which would really go, and counts the streams of new ones', async () => {
    const platform = { framework: 'fastify', protocol: 'https', http2: 'alone' } as const;
    const orders = await startOrders(platform, { drain });
    const old = await Http2Client.connect(orders.url);
    expect(await old.request('/orders')).toMatchObject({ status: 200 });
    const report = await rehearsed(orders, async () => {
      const fresh = await Http2Client.connect(orders.url);
      for (const client of [old, fresh]) expect(await client.request('/orders')).toMatchObject({ status: 200 });
      fresh.destroy();
    });
    expect(old.session.closed).toBe(false);
    expect(report).toMatchObject({ requests: 2, newConnections: 1 });
    old.destroy();
  });
});
