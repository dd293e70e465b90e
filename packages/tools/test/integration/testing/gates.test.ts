import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication } from '@nestjs/common';
import { Gates } from '../../../src/testing/index.js';
import { frameworks } from '../../../../../test/support/applications.js';
import { request } from '../../../../../test/support/raw-client.js';
import { createOrders } from './orders.js';

const gates = new Gates();
let app: INestApplication | undefined;
afterEach(async () => {
  gates.releaseAll();
  await app?.close();
});

async function listen(on: INestApplication): Promise<string> {
  await on.listen(0, '127.0.0.1');
  return `http://127.0.0.1:${(on.getHttpServer() as { address(): { port: number } }).address().port}`;
}

describe.each(frameworks)('A gate on %s', (framework) => {
  it('holds the requests for its route, and no other, until it is released', async () => {
    app = await createOrders(framework);
    const gate = gates.create('one order').holds(app, 'GET /orders/:id');
    const url = await listen(app);
    const held = [request(`${url}/orders/7?by=id`), request(`${url}/orders/8`)];
    await gate.entered;
    expect(await request(`${url}/orders`)).toMatchObject({ status: 200 });
    expect(await request(`${url}/orders`, { method: 'POST' })).toMatchObject({ status: 204 });
    gate.release();
    expect(await Promise.all(held)).toMatchObject([
      { status: 200, body: { id: '7' } },
      { status: 200, body: { id: '8' } },
    ]);
    expect(await request(`${url}/orders/9`)).toMatchObject({ status: 200 });
    expect(gate.waiting).toBe(0);
  });

  it('is refused once the application is initialised: it would hold nothing', async () => {
    app = await createOrders(framework);
    await app.init();
    const gate = gates.create();
    expect(() => gate.holds(app!, 'GET /orders')).toThrow(
      expect.objectContaining({ code: 'DRAIN_TOO_LATE', message: expect.stringContaining('before app.init()') }),
    );
  });
});

describe('Gates', () => {
  it('hold whoever passes one by hand', async () => {
    const gate = gates.create('orders');
    expect({ name: gate.name, waiting: gate.waiting }).toEqual({ name: 'orders', waiting: 0 });
    const passed = Promise.all([gate.pass(), gate.pass()]);
    await gate.entered;
    expect(gate.waiting).toBe(2);
    gate.release();
    gate.release();
    await passed;
    await gate.pass();
    expect(gate.waiting).toBe(0);
  });

  it('are released together', async () => {
    const held = [gates.create(), gates.create()].map((gate) => gate.pass());
    gates.releaseAll();
    await Promise.all(held);
  });

  it('refuse a text that is no request', async () => {
    app = await createOrders('express');
    expect(() => gates.create().holds(app!, '/orders')).toThrow(
      expect.objectContaining({ code: 'DRAIN_INVALID_ARGUMENT' }),
    );
  });
});
