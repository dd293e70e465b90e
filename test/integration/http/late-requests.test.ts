import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, connect, frameworks, holdDraining, holds, platforms } from '../../support/applications.js';
import { RawClient, request } from '../../support/raw-client.js';
import { startOrders } from './orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
const post = (body: string, ...headers: string[]) =>
  [
    'POST /orders HTTP/1.1',
    'Host: test',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...headers,
  ]
    .join('\r\n')
    .concat('\r\n\r\n', body);

const refusal = { statusCode: 503, message: 'The server is shutting down', error: 'Service Unavailable' };
const json = { 'content-type': 'application/json' };

const arrivals = [
  { what: 'a routed request', method: 'GET', path: '/orders', status: 200 },
  { what: 'a POST with a body', method: 'POST', path: '/orders', status: 201, headers: json, body: '{"a":1}' },
  { what: 'a request for nothing there is', method: 'GET', path: '/nowhere', status: 404 },
  { what: 'a request that a middleware answers', method: 'GET', path: '/middleware', status: 200 },
  { what: 'a guarded request', method: 'GET', path: '/guarded/open', status: 200 },
  { what: 'a request with a broken body', method: 'POST', path: '/orders', status: 400, headers: json, body: '{' },
  { what: 'an OPTIONS request', method: 'OPTIONS', path: '/nowhere', status: 404 },
];

describe.each(platforms)('A late request on $framework over $protocol', (platform) => {
  const { protocol } = platform;
  afterEach(closeAll);

  it.each(arrivals)('is refused: $what', async ({ method, path, status, headers, body }) => {
    const orders = await startOrders(platform);
    orders.gate('open').release();
    const options = { method, headers, body };
    expect(await request(orders.url + path, options)).toMatchObject({ status });
    const before = [...orders.executed];

    const closing = await holdDraining(orders);
    const answer = await request(orders.url + path, options);
    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1', connection: 'close', 'content-type': 'application/json; charset=utf-8' },
    });
    expect(answer.body).toEqual(refusal);
    expect(orders.executed).toEqual(before);
    expect(await closing.end()).toMatchObject({ refused: 1, outcome: 'drained', leftovers: [] });
  });

  it('is refused without a body when it is a HEAD', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const client = await RawClient.connect(orders.port, protocol);
    client.write('HEAD /orders HTTP/1.1\r\nHost: test\r\n\r\n');
    expect(await client.ended).toBe('fin');
    expect(client.text.split('\r\n\r\n')).toEqual([expect.stringMatching(/^HTTP\/1\.1 503 /), '']);
    await closing.end();
  });

  it('is refused with the status and Retry-After that are configured', async () => {
    const lateRequests = { statusCode: 429, retryAfterSeconds: 7 };
    const orders = await startOrders(platform, { drain: { lateRequests } });
    const closing = await holdDraining(orders);
    expect(await request(`${orders.url}/orders`)).toMatchObject({
      status: 429,
      headers: { 'retry-after': '7', connection: 'close' },
      body: { statusCode: 429, message: 'The server is shutting down', error: 'Too Many Requests' },
    });
    await closing.end();
  });

  it('is refused behind one that is in flight, in an answer that is whole', async () => {
    const orders = await startOrders(platform);
    const { client, socket } = await connect(orders);
    client.write(get('/orders/a'));
    await orders.gate('a').entered;
    const closing = await holdDraining(orders);
    const read = socket.bytesRead;
    client.write(get('/orders/b'));
    await holds(() => socket.bytesRead > read);
    orders.gate('a').release();
    const [a, b] = await client.answers(2);
    expect(a).toMatchObject({ status: 200 });
    expect(b).toMatchObject({ status: 503, headers: { connection: 'close', 'retry-after': '1' } });
    expect(await client.ended).toBe('fin');
    expect(orders.executed).toEqual(['GET /orders/a']);
    await closing.end();
  });

  it('is answered, in order, with all that were pipelined with it', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const client = await RawClient.connect(orders.port, protocol);
    client.write(get('/orders') + post('{"a":1}') + get('/nowhere'));
    const answers = await client.answers(3);
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(answers.map(({ headers }) => headers.connection === 'close')).toEqual([false, false, true]);
    expect(await client.ended).toBe('fin');
    expect(orders.executed).toEqual([]);
    expect(await closing.end()).toMatchObject({ refused: 3 });
  });

  it('is not executed behind an answer that has said close', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const client = await RawClient.connect(orders.port, protocol);
    client.write(get('/orders'));
    const [refused] = await client.answers(1);
    expect(refused).toMatchObject({ status: 503, headers: { connection: 'close' } });
    client.write(post('{"a":1}').repeat(5));
    await client.ended;
    await closing.end();
    expect(orders.executed).toEqual([]);
  });

  it('is refused without the 100 that it expects', async () => {
    const orders = await startOrders(platform);
    const expecting = post('{"a":1}', 'Expect: 100-continue').split('{')[0]!;
    const early = await RawClient.connect(orders.port, protocol);
    early.write(expecting);
    await early.until((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    early.write('{"a":1}');
    expect(await early.answers(2)).toMatchObject([{ status: 100 }, { status: 201 }]);
    const before = [...orders.executed];

    const closing = await holdDraining(orders);
    const late = await RawClient.connect(orders.port, protocol);
    late.write(expecting);
    expect(await late.answers(1)).toMatchObject([{ status: 503, headers: { connection: 'close' } }]);
    expect(await late.ended).toBe('fin');
    expect(orders.executed).toEqual(before);
    await closing.end();
  });

  it('is told by its arrival: one that began before passes, however late it reaches its handler', async () => {
    const orders = await startOrders(platform);
    const body = '{"a":1}';
    const begun = post(body).slice(0, -4);
    const half = get('/orders').slice(0, -6);

    const guarded = request(`${orders.url}/guarded/a`);
    await orders.gate('a').entered;
    const upload = await RawClient.connect(orders.port, protocol);
    upload.write(begun);
    await holds(() => orders.shutdown.inFlight === 2);
    const { client: head, socket } = await connect(orders);
    const handshakeBytes = socket.bytesRead;
    head.write(half);
    await holds(() => socket.bytesRead > handshakeBytes);

    const closing = await holdDraining(orders);
    closing.release();
    upload.write(body.slice(-4));
    expect(await upload.answers(1)).toMatchObject([{ status: 201, headers: { connection: 'close' } }]);
    head.write(get('/orders').slice(-6));
    expect(await head.answers(1)).toMatchObject([{ status: 200, headers: { connection: 'close' } }]);
    orders.gate('a').release();
    expect(await guarded).toMatchObject({ status: 200, body: { isOpen: true }, headers: { connection: 'close' } });
    for (const client of [upload, head]) expect(client.text).toContain('"isOpen":true');
    expect(await closing.end()).toMatchObject({ outcome: 'drained', clean: true, refused: 0, leftovers: [] });
  });
});

describe.each(frameworks)('Without the module, on %s', (framework) => {
  const platform = { framework, protocol: 'http' } as const;
  const stockAnswer = { express: { status: 200, body: '{"isOpen":false}' }, fastify: { status: 503 } };
  afterEach(closeAll);

  it('a late request is turned away, refused a connection, or meets a closed database', async () => {
    const orders = await startOrders(platform, { drain: false });
    const client = await RawClient.connect(orders.port);
    client.write(get('/orders/a'));
    await orders.gate('a').entered;
    const closed = orders.app.close();
    await holds(() => !orders.server.listening);
    await expect(request(`${orders.url}/orders`)).rejects.toThrow('ECONNREFUSED');
    client.write(get('/orders'));
    orders.gate('a').release();
    const [, late] = await client.answers(2);
    expect(late).toMatchObject(stockAnswer[framework]);
    client.destroy();
    await closed;
  });

  it('a request whose head was half sent is turned away, or meets a closed database', async () => {
    const orders = await startOrders(platform, { drain: false });
    const client = await RawClient.connect(orders.port);
    client.write(get('/orders').slice(0, -6));
    await holds(() => orders.sockets[0]!.bytesRead > 0);
    const closed = orders.app.close();
    await holds(() => !orders.server.listening);
    client.write(get('/orders').slice(-6));
    const [answer] = await client.answers(1);
    expect(answer).toMatchObject(stockAnswer[framework]);
    client.destroy();
    await closed;
  });
});
