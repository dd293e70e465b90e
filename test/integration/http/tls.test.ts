import { afterEach, describe, expect, it } from '@jest/globals';
import { Agent } from 'node:https';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { closeAll, connect, frameworks, holdDraining, holds, turns } from '../../support/applications.js';
import { RawClient, request } from '../../support/raw-client.js';
import { startOrders } from './orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
/** The first bytes of a ClientHello, and no more. */
const halfHello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]);

describe.each(frameworks)('HTTPS on %s', (framework) => {
  const platform = { framework, protocol: 'https' } as const;
  afterEach(closeAll);

  /** A client that has opened a TCP connection, and no more. */
  async function connectSilently(port: number): Promise<RawClient> {
    return RawClient.connect(port);
  }

  it('closes connections that never begin a handshake', async () => {
    const orders = await startOrders(platform);
    const accepted = once(orders.server, 'connection');
    const client = await connectSilently(orders.port);
    await accepted;
    await orders.app.close();
    await client.ended;
    expect(await orders.shutdown.closed).toMatchObject({ outcome: 'drained', leftovers: [] });
  });

  it('closes connections that never end their handshake, long before the deadline', async () => {
    const orders = await startOrders(platform);
    const accepted = once(orders.server, 'connection') as Promise<[Socket]>;
    const client = await connectSilently(orders.port);
    const [socket] = await accepted;
    client.write(halfHello);
    await holds(() => socket.bytesRead > 0);
    await orders.app.close();
    await client.ended;
    const report = await orders.shutdown.closed;
    expect(report).toMatchObject({ outcome: 'drained', leftovers: [] });
    expect(report.totalMs).toBeLessThan(4_000);
  });

  it('closes such connections when they open while draining, and answers those that do shake hands', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const client = await connectSilently(orders.port);
    expect(await request(`${orders.url}/orders`)).toMatchObject({ status: 503 });
    await client.ended;
    await closing.end();
  });

  it('is kept from closing by such a connection without the module', async () => {
    const orders = await startOrders(platform, { drain: false });
    const accepted = once(orders.server, 'connection');
    const client = await connectSilently(orders.port);
    await accepted;
    const order: string[] = [];
    const closed = orders.app.close().then(() => order.push('the application closed'));
    await holds(() => !orders.server.listening);
    await turns(20);
    order.push('the client left');
    client.destroy();
    await closed;
    expect(order).toEqual(['the client left', 'the application closed']);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'tells idle, busy and half-sent connections apart over %s',
    async (version) => {
      const orders = await startOrders(platform);
      const open = async () => {
        const before = orders.sockets.length;
        const socket = connectTls({
          port: orders.port,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          minVersion: version,
          maxVersion: version,
        });
        const client = RawClient.over(socket);
        await once(socket, 'secureConnect');
        await holds(() => orders.sockets.length > before);
        return { client, socket: orders.sockets[before]! };
      };
      const idle = await open();
      idle.client.write(get('/orders'));
      await idle.client.answers(1);
      const silent = await open();
      const half = await open();
      const { bytesRead } = half.socket;
      half.client.write(get('/orders').slice(0, -6));
      await holds(() => half.socket.bytesRead > bytesRead);
      const busy = await open();
      busy.client.write(get('/orders/a'));
      await orders.gate('a').entered;

      const closing = await holdDraining(orders);
      expect(await idle.client.ended).toBe('fin');
      expect(await silent.client.ended).toBe('fin');
      half.client.write(get('/orders').slice(-6));
      expect(await half.client.answers(1)).toMatchObject([{ status: 200, headers: { connection: 'close' } }]);
      orders.gate('a').release();
      expect(await busy.client.answers(1)).toMatchObject([{ status: 200, headers: { connection: 'close' } }]);
      expect(await closing.end()).toMatchObject({ outcome: 'drained', refused: 0 });
    },
  );

  it('closes keep-alive connections of an agent', async () => {
    const orders = await startOrders(platform);
    const agent = new Agent({ keepAlive: true, maxSockets: 3, rejectUnauthorized: false });
    const answers = Array.from({ length: 9 }, () => request(`${orders.url}/orders`, { agent }));
    for (const answer of answers) expect(await answer).toMatchObject({ status: 200 });
    expect(orders.sockets).toHaveLength(3);
    await orders.app.close();
    await holds(() => Object.keys(agent.freeSockets).length === 0);
    expect(orders.sockets.every((socket) => socket.destroyed)).toBe(true);
  });

  it('answers plain HTTP with nothing, and is not held by it', async () => {
    const orders = await startOrders(platform);
    const client = connectTcp({ port: orders.port, host: '127.0.0.1' });
    client.on('error', () => undefined);
    client.resume().write(get('/orders'));
    await once(client, 'close');
    const { client: good } = await connect(orders);
    await orders.app.close();
    expect(await good.ended).toBe('fin');
  });
});
