import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { closeAll, connect, holdDraining, holds, platforms, type Protocol, turns } from '../../support/applications.js';
import { RawClient, request, type WireAnswer } from '../../support/raw-client.js';
import { startOrders } from './orders.js';

const json = { 'content-type': 'application/json' };
const head = (length: number) =>
  `POST /orders HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

/**
 * Sends all of an upload before it begins to read, as simple clients do. Rejects unless it could send all and read a
 * whole answer.
 */
async function sendThenRead(port: number, protocol: Protocol, body: Buffer): Promise<WireAnswer> {
  const client = await RawClient.connect(port, protocol);
  client.socket.pause();
  client.write(head(body.length));
  await new Promise<void>((resolve, reject) =>
    client.socket.write(body, (error) => (error ? reject(error) : resolve())),
  );
  client.socket.resume();
  const [answer] = await client.answers(1);
  client.destroy();
  return answer!;
}

/**
 * Several times what a server reads of a body before it refuses it, and no more than a busy machine sends before that
 * server has read on for long enough.
 */
const big = Buffer.alloc(4 * 1024 * 1024, ' ');
const rounds = 40;

describe.each(platforms)('An upload on $framework over $protocol', (platform) => {
  const { protocol } = platform;
  afterEach(closeAll);

  it(`that is big and late has its refusal read, ${rounds} of ${rounds} times`, async () => {
    // Long enough for all rounds on a busy machine: past the deadline everything is cut.
    const orders = await startOrders(platform, { drain: { drainTimeoutMs: 60_000, gracePeriodMs: 70_000 } });
    const closing = await holdDraining(orders);
    const statuses: number[] = [];
    for (let round = 0; round < rounds; round++) {
      statuses.push((await sendThenRead(orders.port, protocol, big)).status);
    }
    expect(statuses).toEqual(Array(rounds).fill(503));
    expect(await request(`${orders.url}/orders`, { method: 'POST', headers: json, body: big })).toMatchObject({
      status: 503,
    });
    expect(orders.executed).toEqual([]);
    expect(await closing.end()).toMatchObject({ refused: rounds + 1, outcome: 'drained' });
  }, 60_000);

  it('that is late and slow has its refusal before it has sent everything', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const client = await RawClient.connect(orders.port, protocol);
    client.write(`${head(1_000)}{`);
    expect(await client.answers(1)).toMatchObject([{ status: 503, headers: { connection: 'close' } }]);
    expect(await client.ended).toBe('fin');
    expect(await closing.end()).toMatchObject({ refused: 1, outcome: 'drained', leftovers: [] });
  });

  it('that is small and late is read before it is refused, so that its connection ends without a reset', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const { client, socket } = await connect(orders);
    const { bytesRead } = socket;
    client.write(`${head(8)}{"a"`);
    await holds(() => socket.bytesRead > bytesRead);
    await turns(5);
    expect(client.text).toBe('');
    client.write(':12}');
    expect(await client.answers(1)).toMatchObject([{ status: 503, headers: { connection: 'close' } }]);
    expect(await client.ended).toBe('fin');
    await closing.end();
  });

  it('that had begun is waited for, however slow', async () => {
    const orders = await startOrders(platform);
    const { client } = await connect(orders);
    client.write(`${head(7)}{`);
    await holds(() => orders.shutdown.inFlight === 1);
    const closing = await holdDraining(orders);
    closing.release();
    for (const byte of '"a":1}') {
      const { bytesRead } = orders.sockets[0]!;
      client.write(byte);
      await holds(() => orders.sockets[0]!.bytesRead > bytesRead);
    }
    const [answer] = await client.answers(1);
    expect(answer).toMatchObject({ status: 201, headers: { connection: 'close' } });
    expect(JSON.parse(answer!.body)).toEqual({ isOpen: true, body: { a: 1 } });
    expect(await closing.end()).toMatchObject({ outcome: 'drained', refused: 0 });
  });

  it('that was answered before its body was in is waited for, and its client reads the answer', async () => {
    const orders = await startOrders(platform);
    const { client, socket } = await connect(orders);
    client.write(`POST /middleware HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n12`);
    expect(await client.answers(1)).toMatchObject([{ status: 200 }]);
    const { client: idle } = await connect(orders);
    const closing = await holdDraining(orders);
    closing.release();
    await idle.ended;
    expect(socket.destroyed).toBe(false);
    client.write('345');
    expect(await client.ended).toBe('fin');
    expect(await closing.end()).toMatchObject({ outcome: 'drained', leftovers: [] });
  });
});

describe('A server that answers an upload at once and closes', () => {
  let server: Server;
  afterEach(() => void server.close());

  it('has its answer eaten by a reset', async () => {
    server = createServer((_request, response) => {
      response.writeHead(503, { connection: 'close', 'content-length': 2 }).end('no');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const failures: unknown[] = [];
    for (let round = 0; round < rounds; round++) {
      await sendThenRead(port, 'http', big).catch((error: unknown) => failures.push(error));
    }
    // How many depends on who is quicker.
    expect(failures.length).toBeGreaterThan(0);
  });
});
