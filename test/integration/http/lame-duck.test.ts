import { afterEach, describe, expect, it } from '@jest/globals';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  closeAll,
  connect,
  enters,
  holdDraining,
  holdLameDuck,
  holds,
  platforms,
  type Protocol,
} from '../../support/applications.js';
import { RawClient, request } from '../../support/raw-client.js';
import { startOrders } from './orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
/** Ends by itself at once: a hook of the test holds it. */
const drain = { lameDuck: { minMs: 0, quietMs: 0, maxMs: 0 } };

function keepAliveAgent(protocol: Protocol) {
  return protocol === 'https' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
}

describe.each(platforms)('The lame duck on $framework over $protocol', (platform) => {
  const { protocol } = platform;
  afterEach(closeAll);

  it('serves everything, and tells every client to leave', async () => {
    const orders = await startOrders(platform, { drain });
    const closing = await holdLameDuck(orders);
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' };
    for (const [path, options, status] of [
      ['/orders', {}, 200],
      ['/orders', post, 201],
      ['/middleware', {}, 200],
      ['/nowhere', {}, 404],
    ] as const) {
      const answer = await request(orders.url + path, options);
      expect({ path, status: answer.status, connection: answer.headers.connection }).toEqual({
        path,
        status,
        connection: 'close',
      });
    }
    expect(await closing.end()).toMatchObject({ outcome: 'drained', clean: true, refused: 0 });
  });

  it('tells a client whose answer is still unsent', async () => {
    const orders = await startOrders(platform, { drain });
    const answer = request(`${orders.url}/orders/a`, { agent: keepAliveAgent(protocol) });
    await orders.gate('a').entered;
    const closing = await holdLameDuck(orders);
    orders.gate('a').release();
    expect(await answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
    await closing.end();
  });

  it('is not told of by stock Nest, which lets the client come back to a server that is gone', async () => {
    const orders = await startOrders(platform, { drain: false });
    const agent = keepAliveAgent(protocol);
    const answer = request(`${orders.url}/orders/a`, { agent });
    await orders.gate('a').entered;
    const closed = orders.app.close();
    orders.gate('a').release();
    expect(await answer).toMatchObject({ status: 200, headers: { connection: 'keep-alive' } });
    agent.destroy();
    await closed;
  });

  it('says close on the last of the pipelined answers alone', async () => {
    const orders = await startOrders(platform, { drain });
    const client = await RawClient.connect(orders.port, protocol);
    client.write(get('/orders/a') + get('/orders/b'));
    await Promise.all([orders.gate('a').entered, orders.gate('b').entered]);
    const closing = await holdLameDuck(orders);
    orders.gate('b').release();
    orders.gate('a').release();
    const [a, b] = await client.answers(2);
    expect(JSON.parse(a!.body)).toMatchObject({ name: 'a' });
    expect(a!.headers.connection).not.toBe('close');
    expect(b!.headers.connection).toBe('close');
    expect(await client.ended).toBe('fin');
    await closing.end();
  });

  it('takes close back from an unsent answer when another request arrives behind it', async () => {
    const orders = await startOrders(platform, { drain });
    const client = await RawClient.connect(orders.port, protocol);
    client.write(get('/orders/a'));
    await orders.gate('a').entered;
    const closing = await holdLameDuck(orders);
    client.write(get('/orders/b'));
    await orders.gate('b').entered;
    client.write(get('/orders/c'));
    await orders.gate('c').entered;
    for (const name of ['a', 'b', 'c']) orders.gate(name).release();
    const answers = await client.answers(3);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers.map(({ headers }) => headers.connection === 'close')).toEqual([false, false, true]);
    await closing.end();
  });

  it('tells a client whose head was out before it began with its next answer', async () => {
    const orders = await startOrders(platform, { drain });
    const client = await RawClient.connect(orders.port, protocol);
    client.write(get('/stream/a'));
    await client.until((text) => text.includes('begun'));
    const closing = await holdLameDuck(orders);
    orders.gate('a').release();
    const [stream] = await client.answers(1);
    expect(stream).toMatchObject({ status: 200, body: 'begun ended' });
    expect(stream!.headers.connection).not.toBe('close');
    client.write(get('/orders'));
    const [, next] = await client.answers(2);
    expect(next).toMatchObject({ status: 200, headers: { connection: 'close' } });
    await closing.end();
  });

  it('executes nothing that arrives behind an answer which has said close', async () => {
    const orders = await startOrders(platform, { drain });
    const closing = await holdLameDuck(orders);
    const { client, socket } = await connect(orders);
    client.write(get('/stream/a'));
    expect(await client.until((text) => text.includes('begun'))).toMatch(/connection: close/i);
    const { bytesRead } = socket;
    client.write('POST /orders HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n'.repeat(3));
    await holds(() => socket.bytesRead > bytesRead);
    orders.gate('a').release();
    expect(await client.ended).toBe('fin');
    expect(await client.answers(1)).toMatchObject([{ body: 'begun ended' }]);
    expect(orders.executed).toEqual([]);
    expect(await closing.end()).toMatchObject({ refused: 0, outcome: 'drained' });
  });

  it('fails readiness at its first instant, while liveness stays up', async () => {
    const orders = await startOrders(platform, { drain });
    const ready = () => request(`${orders.url}/health/ready`);
    expect(await ready()).toMatchObject({ status: 200 });
    const closing = await holdLameDuck(orders);
    expect(await ready()).toMatchObject({ status: 503, body: { ready: { status: 'down', phase: 'lame-duck' } } });
    expect(await request(`${orders.url}/health/live`)).toMatchObject({ status: 200 });
    await closing.end();
  });

  it("keeps readiness up until it is over with readiness: 'after-lame-duck'", async () => {
    const orders = await startOrders(platform, { drain: { ...drain, readiness: 'after-lame-duck' } });
    const ready = () => request(`${orders.url}/health/ready`);
    expect(await ready()).toMatchObject({ status: 200 });
    const lameDuck = await holdLameDuck(orders);
    expect(await ready()).toMatchObject({ status: 200, headers: { connection: 'close' } });
    const draining = holdDraining(orders);
    lameDuck.release();
    const closing = await draining;
    expect(await ready()).toMatchObject({ status: 503, body: { ready: { status: 'down', phase: 'draining' } } });
    await closing.end();
  });

  it('counts requests on connections that opened after readiness failed, health routes apart', async () => {
    const orders = await startOrders(platform, { drain });
    const old = await RawClient.connect(orders.port, protocol);
    old.write(get('/orders'));
    await old.answers(1);
    const closing = await holdLameDuck(orders);
    old.write(get('/orders'));
    await old.answers(2);
    await request(`${orders.url}/health/live`);
    await request(`${orders.url}/orders`);
    await request(`${orders.url}/nowhere`);
    const { afterUnready } = await closing.end();
    expect(afterUnready).toEqual({
      count: 2,
      firstMs: expect.any(Number),
      lastMs: expect.any(Number),
    });
  });

  it('is not prolonged by probes', async () => {
    const orders = await startOrders(platform, { drain: { lameDuck: { minMs: 0, quietMs: 100, maxMs: 15_000 } } });
    await request(`${orders.url}/health/ready`);
    const begun = enters(orders.shutdown, 'lame-duck');
    const lease = orders.shutdown.lease('keeps the listener open for the last probes');
    const closed = orders.app.close();
    await begun;
    while (orders.shutdown.phase === 'lame-duck') {
      await Promise.all(['live', 'ready'].map((name) => request(`${orders.url}/health/${name}`)));
    }
    lease.release();
    await closed;
    expect((await orders.shutdown.closed).phases[0]!.ms).toBeLessThan(5_000);
  });

  it('is prolonged by traffic, up to maxMs', async () => {
    const orders = await startOrders(platform, { drain: { lameDuck: { minMs: 0, quietMs: 500, maxMs: 900 } } });
    const begun = enters(orders.shutdown, 'lame-duck');
    const closed = orders.app.close();
    await begun;
    const begunAt = performance.now();
    let lastSentMs = 0;
    while (orders.shutdown.phase === 'lame-duck') {
      const sentMs = performance.now() - begunAt;
      await request(`${orders.url}/orders`);
      if (orders.shutdown.phase === 'lame-duck') lastSentMs = sentMs;
    }
    await closed;
    const report = await orders.shutdown.closed;
    expect(report.phases[0]).toMatchObject({ phase: 'lame-duck' });
    // Client and server are one process: where it stands still for longer than quietMs, no request comes in that time.
    expect(report.phases[0]!.ms).toBeGreaterThanOrEqual(Math.min(900, lastSentMs + 500) - 1);
  });
});
