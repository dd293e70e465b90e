import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { closeAll, connect, enters, holdDraining, holds, platforms, turns } from '../../support/applications.js';
import { type Answer, request } from '../../support/raw-client.js';
import { startOrders } from './orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
const drain = { lateRequests: { listener: 'closed' } } as const;

/** Many clients at once: their connections wait in the accept backlog. */
function rush(burst: number, url: string): Promise<PromiseSettledResult<Answer>[]> {
  return Promise.allSettled(Array.from({ length: burst }, () => request(url)));
}

describe.each(platforms)("lateRequests: { listener: 'closed' } on $framework over $protocol", (platform) => {
  afterEach(closeAll);

  // TLS handshakes are dear, with both ends in one process.
  const burst = platform.protocol === 'https' ? 50 : 200;

  it(`accepts the ${burst} connections that wait at that moment, and serves every one`, async () => {
    const orders = await startOrders(platform, { drain });
    const lease = orders.shutdown.lease('held by the test');
    const draining = enters(orders.shutdown, 'draining').then(() => rush(burst, `${orders.url}/orders`));
    const closed = orders.app.close();
    const results = await draining;
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    const statuses = results.map((result) => (result as PromiseFulfilledResult<Answer>).value.status);
    // A client that is answered does not try elsewhere: whoever was accepted in time is served.
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    lease.release();
    await closed;
  });

  it('refuses connections from then on, answers late requests on those there are, and finishes what is in flight', async () => {
    const orders = await startOrders(platform, { drain });
    const { client, socket } = await connect(orders);
    client.write(get('/orders/a'));
    await orders.gate('a').entered;
    const closing = await holdDraining(orders);
    await holds(() => !orders.server.listening);
    await expect(request(`${orders.url}/orders`)).rejects.toThrow('ECONNREFUSED');
    const { bytesRead } = socket;
    client.write(get('/orders'));
    await holds(() => socket.bytesRead > bytesRead);
    orders.gate('a').release();
    const [a, late] = await client.answers(2);
    expect(JSON.parse(a!.body)).toEqual({ name: 'a', isOpen: true });
    expect(late).toMatchObject({ status: 503, headers: { connection: 'close', 'retry-after': '1' } });
    expect(await closing.end()).toMatchObject({ outcome: 'drained', clean: true, refused: 1 });
  });

  it('is not how it is by default: the listener stays open to answer', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    await turns(20);
    expect(orders.server.listening).toBe(true);
    expect(await request(`${orders.url}/orders`)).toMatchObject({ status: 503 });
    await closing.end();
    expect(orders.server.listening).toBe(false);
  });
});

describe('A listener that is closed at once', () => {
  it('resets the connections that wait in its backlog', async () => {
    const server = createServer((_request, response) => response.end());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const results = rush(200, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await turns(2);
    NetServer.prototype.close.call(server);
    expect((await results).filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
    server.close();
  });
});
