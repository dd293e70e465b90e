import { afterEach, describe, expect, it } from '@jest/globals';
import { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';
import { closeAll, connect, platforms } from '../../support/applications.js';
import { type Orders, startOrders } from './orders.js';

const upgrade = 'GET /orders HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

function echo(_request: IncomingMessage, socket: Socket): void {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
  socket.on('error', () => undefined);
}

/** The status of the first answer to an upgrade. */
async function askFor(orders: Orders): Promise<number> {
  const { client } = await connect(orders);
  client.write(upgrade);
  const text = await client.until((all) => all.includes('\r\n\r\n'));
  client.destroy();
  return Number(text.split(' ')[1]);
}

describe.each(platforms)('Upgrades on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  it('are what Node makes of them, whatever listeners come and go', async () => {
    const orders = await startOrders(platform);
    const { server } = orders;
    expect(await askFor(orders)).toBe(200);
    server.on('upgrade', echo);
    expect(await askFor(orders)).toBe(101);
    server.off('upgrade', echo);
    expect(await askFor(orders)).toBe(200);
    server.once('upgrade', echo);
    expect([await askFor(orders), await askFor(orders)]).toEqual([101, 200]);
    server.on('upgrade', echo);
    server.removeAllListeners('upgrade');
    expect([await askFor(orders), server.listenerCount('upgrade')]).toEqual([200, 0]);
  });

  it('that nobody answers are not waited for', async () => {
    const orders = await startOrders(platform, {
      drain: 5_000,
      prepare: (app) => app.getHttpServer().on('upgrade', () => undefined),
    });
    const { client } = await connect(orders);
    client.write(upgrade);
    while (orders.shutdown.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
    await orders.app.close();
    const report = await orders.shutdown.closed;
    expect(report).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(report.totalMs).toBeLessThan(4_000);
    await client.ended;
  });

  it('that are answered while draining, having been asked for in time, are served', async () => {
    let answer!: () => void;
    const orders = await startOrders(platform, {
      prepare: (app) =>
        app.getHttpServer().on('upgrade', (request: IncomingMessage, socket: Socket) => {
          answer = () => echo(request, socket);
        }),
    });
    const { client } = await connect(orders);
    client.write(upgrade);
    while (orders.shutdown.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
    const closed = orders.app.close();
    while (!orders.shutdown.drainingSignal.aborted) await new Promise((resolve) => setImmediate(resolve));
    answer();
    await client.until((text) => text.includes('\r\n\r\n'));
    client.write('still there?');
    await client.until((text) => text.endsWith('still there?'));
    client.socket.end();
    await closed;
    expect(await orders.shutdown.closed).toMatchObject({ outcome: 'drained', clean: true });
  });
});
