import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, holdDraining, platforms } from '../../support/applications.js';
import { Http2Client } from '../../support/http2-client.js';
import { request } from '../../support/raw-client.js';
import { startOrders } from './orders.js';

const origin = 'https://shop.example';
const preflight = { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-token' };
const allowed = { 'access-control-allow-origin': origin, 'access-control-expose-headers': 'Retry-After' };

describe.each(platforms)('lateRequests.cors on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  it('lets the code of a browser read a late refusal, and sends its preflights on', async () => {
    const orders = await startOrders(platform, { drain: { lateRequests: { cors: true, statusCode: 429 } } });
    const closing = await holdDraining(orders);
    const late = await request(`${orders.url}/orders`, { headers: { origin } });
    expect(late).toMatchObject({ status: 429, headers: { ...allowed, 'retry-after': '1', connection: 'close' } });
    expect(late.headers).not.toHaveProperty('access-control-allow-credentials');
    const asked = await request(`${orders.url}/orders`, { method: 'OPTIONS', headers: preflight });
    expect(asked).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'PUT',
        'access-control-allow-headers': 'x-token',
        connection: 'close',
      },
    });
    await closing.end();
    expect(orders.executed).toEqual([]);
  });

  it('is asked for each origin where it is a function', async () => {
    const cors = (each: string) => each === origin;
    const orders = await startOrders(platform, { drain: { lateRequests: { cors } } });
    const closing = await holdDraining(orders);
    expect((await request(`${orders.url}/orders`, { headers: { origin } })).headers).toMatchObject(allowed);
    const other = await request(`${orders.url}/orders`, { headers: { origin: 'https://other.example' } });
    expect(other.headers).not.toHaveProperty('access-control-allow-origin');
    await closing.end();
  });

  it('is off by default', async () => {
    const orders = await startOrders(platform);
    const closing = await holdDraining(orders);
    const late = await request(`${orders.url}/orders`, { headers: { origin } });
    expect(late.status).toBe(503);
    expect(late.headers).not.toHaveProperty('access-control-allow-origin');
    expect(await request(`${orders.url}/orders`, { method: 'OPTIONS', headers: preflight })).toMatchObject({
      status: 503,
    });
    await closing.end();
  });
});

describe('lateRequests.cors over HTTP/2', () => {
  afterEach(closeAll);

  it('answers likewise', async () => {
    const orders = await startOrders(
      { framework: 'fastify', protocol: 'http', http2: 'alone' },
      { drain: { lateRequests: { cors: true } } },
    );
    const closing = await holdDraining(orders);
    const late = await Http2Client.connect(orders.url);
    expect(await late.request('/orders', { origin })).toMatchObject({
      status: 503,
      headers: { ...allowed, 'retry-after': '1' },
    });
    const asking = await Http2Client.connect(orders.url);
    expect(await asking.request('/orders', { ':method': 'OPTIONS', ...preflight })).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-methods': 'PUT' },
    });
    await closing.end();
  });
});
