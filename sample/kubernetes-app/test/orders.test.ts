import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppModule } from '../src/app.module.js';
import { postJson, start, type RunningApp } from './support/app.js';

describe('Orders', () => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await start(AppModule);
  });

  afterAll(async () => {
    await running?.app.close();
  });

  const get = (path: string) => fetch(`${running.url}${path}`);

  it('lists a page, lowest id first', async () => {
    const { orders } = (await (await get('/orders')).json()) as { orders: { id: number }[] };
    expect(orders.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it('lists what follows an id', async () => {
    const { orders } = (await (await get('/orders?after=18')).json()) as { orders: unknown[] };
    expect(orders.slice(0, 2)).toEqual([
      { id: 19, item: 'item-19', quantity: 5, totalCents: 4750, status: 'open' },
      { id: 20, item: 'item-20', quantity: 1, totalCents: 5000, status: 'shipped' },
    ]);
  });

  it('finds an order by its id', async () => {
    const response = await get('/orders/3');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ id: 3, item: 'item-3', quantity: 4, totalCents: 750, status: 'open' });
  });

  it.each([
    ['/orders/999', 404],
    ['/orders/99999999999', 404],
    ['/orders/three', 400],
    ['/orders?after=last', 400],
  ])('answers GET %s with %i', async (path, status) => {
    expect((await get(path)).status).toBe(status);
  });

  it('creates an order that can then be found', async () => {
    const created = await postJson(`${running.url}/orders`, { item: 'pencil', quantity: 3, unitCents: 120 });
    expect(created.status).toBe(201);
    const order = (await created.json()) as { id: number };
    expect(order).toEqual({ id: expect.any(Number), item: 'pencil', quantity: 3, totalCents: 360, status: 'open' });
    expect(order.id).toBeGreaterThan(1000);
    expect(await (await get(`/orders/${order.id}`)).json()).toEqual(order);
  });

  it.each([
    ['no item', { quantity: 1, unitCents: 1 }],
    ['an empty item', { item: ' ', quantity: 1, unitCents: 1 }],
    ['no quantity', { item: 'pen', unitCents: 1 }],
    ['half a pen', { item: 'pen', quantity: 0.5, unitCents: 1 }],
    ['a negative price', { item: 'pen', quantity: 1, unitCents: -1 }],
    ['broken JSON', '{"item":'],
  ])('rejects an order with %s', async (_, body) => {
    expect((await postJson(`${running.url}/orders`, body)).status).toBe(400);
  });

  it('reports over all orders', async () => {
    const response = await get('/orders/report');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      orders: expect.any(Number),
      revenueCents: expect.any(Number),
      byStatus: { open: expect.any(Number), shipped: 10 },
      largest: { id: 20, item: 'item-20', quantity: 1, totalCents: 5000, status: 'shipped' },
    });
  });

  it('exports one order a line and says at the end how many there were', async () => {
    const response = await get('/orders/export');
    expect(response.headers.get('content-type')).toContain('application/x-ndjson');
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toHaveLength(21);
    expect(lines[0]).toEqual({ id: 1, item: 'item-1', quantity: 2, totalCents: 250, status: 'open' });
    expect(lines.at(-1)).toEqual({ exported: 20 });
  });

  it.each(['/health/ready', '/health/live'])('is well at %s', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'ok' });
  });
});
