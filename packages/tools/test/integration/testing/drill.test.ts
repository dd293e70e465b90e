import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication } from '@nestjs/common';
import { GracefulShutdown } from 'nestjs-drain';
import { drainMatchers, drill, Gates, type Roll } from '../../../src/testing/index.js';
import { frameworks } from '../../../../../test/support/applications.js';
import { request } from '../../../../../test/support/raw-client.js';
import { createOrders } from './orders.js';

expect.extend(drainMatchers);

const gates = new Gates();
let app: INestApplication | undefined;
afterEach(async () => {
  gates.releaseAll();
  await app?.close();
});

describe.each(frameworks)('drill() on %s', (framework) => {
  it('loses nothing of an application that drains, and tells who served what', async () => {
    app = await createOrders(framework);
    const roll = await drill(app, {
      requests: [
        { method: 'GET', path: '/orders', weight: 2, expect: { body: '{"order":"an order"}' } },
        { method: 'POST', path: '/orders', expect: { status: 204, body: '' } },
        'GET /orders/7',
      ],
    });
    expect(roll).toLoseNothing();
    expect(roll).toDrainWithin(5_000);
    expect(roll).toMatchObject({
      failed: 0,
      failures: [],
      shutdown: { reason: 'app.close()', clean: true, hooks: [] },
    });
    expect(roll.servedByApp).toBeGreaterThan(8);
    expect(roll.servedBySuccessor).toBeGreaterThan(8);
    expect(roll.requests).toBe(roll.servedByApp + roll.servedBySuccessor);
    expect(roll.shutdown.phases[0]!.ms).toBeGreaterThanOrEqual(400);
    expect(roll.shutdown.afterUnready.count).toBeGreaterThan(0);
  });

  it('loses nothing on a machine that comes to nothing for longer than the lag', async () => {
    app = await createOrders(framework);
    const roll = await drill(app, {
      requests: ['GET /orders'],
      during: async ({ close, reached }) => {
        void close();
        await reached('lame-duck');
        for (const until = performance.now() + 600; performance.now() < until;);
      },
    });
    expect(roll).toLoseNothing();
  });

  it('sees what is lost when the application is gone before the platform has left it', async () => {
    app = await createOrders(framework);
    const roll = await drill(app, { requests: ['GET /orders'], lameDuckMs: 0, lagMs: 400 });
    expect(roll).not.toLoseNothing();
    expect(roll.failed).toBeGreaterThan(0);
    expect(roll.failures[0]).toMatchObject({ request: 'GET /orders', sentTo: 'app' });
    expect(() => expect(roll).toLoseNothing()).toThrow(
      /Expected the roll to lose nothing\.[^]*GET \/orders: (reset|status-503) \d+ ms after the close \(\w+\)/,
    );
  });

  it('rolls with a request in flight, whose handler runs while the database is still open', async () => {
    app = await createOrders(framework);
    const gate = gates.create('orders').holds(app, 'GET /orders/:id');
    const roll = await drill(app, {
      requests: [
        'GET /orders',
        { method: 'GET', path: '/orders/7', expect: { body: '{"id":"7","order":"an order"}' } },
      ],
      during: async ({ close, reached }) => {
        await gate.entered;
        void close();
        await reached('draining');
        expect(gate.waiting).toBeGreaterThan(0);
        gate.release();
      },
    });
    expect(roll).toLoseNothing();
    expect(roll.shutdown.inFlight.atSignal).toBeGreaterThan(0);
  });

  it('names what is never released', async () => {
    app = await createOrders(framework, { drainTimeoutMs: 200 });
    gates.create().holds(app, 'GET /orders/:id');
    const roll = await drill(app, { requests: ['GET /orders', 'GET /orders/7'], lagMs: 0, clients: 2 });
    expect(roll.shutdown).toMatchObject({ outcome: 'timed-out' });
    expect(roll).not.toLoseNothing();
    expect(roll).not.toDrainWithin(10_000);
    expect(() => expect(roll).toLoseNothing()).toThrow(/left over: request GET \/orders\/:id/);
  });

  it('does not take a wrong answer for one', async () => {
    app = await createOrders(framework);
    const roll = await drill(app, {
      requests: ['GET /broken', { method: 'GET', path: '/orders', expect: { body: 'another' } }],
      lagMs: 0,
    });
    expect(new Set(roll.failures.map(({ kind }) => kind))).toEqual(new Set(['status-500', 'wrong-body']));
    expect(roll.failures[0]).toMatchObject({ phase: 'running', sentTo: 'app' });
    expect(roll.failures[0]!.sinceCloseMs).toBeLessThan(0);
  });

  it('takes an application that listens already, and closes it', async () => {
    app = await createOrders(framework);
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): { port: number } }).address();
    expect(await request(`http://127.0.0.1:${port}/orders`)).toMatchObject({ status: 200 });
    const roll = await drill(app, { requests: ['GET /orders'], lagMs: 0 });
    expect(roll).toLoseNothing();
    expect(app.get(GracefulShutdown).phase).toBe('closed');
    await expect(request(`http://127.0.0.1:${port}/orders`)).rejects.toThrow();
  });
});

describe('drill()', () => {
  it('rejects with what during has thrown, and leaves the application to the test', async () => {
    app = await createOrders('express');
    await expect(
      drill(app, { requests: ['GET /orders'], during: () => Promise.reject(new Error('mine')) }),
    ).rejects.toThrow('mine');
    expect(app.get(GracefulShutdown).phase).toBe('running');
    await app.close();
    expect((await app.get(GracefulShutdown).closed).hooks).toEqual([]);
  });

  it('does not wait for what is held when during has thrown', async () => {
    app = await createOrders('express');
    const gate = gates.create().holds(app, 'GET /orders');
    const begunAt = performance.now();
    const during = async () => {
      await gate.entered;
      throw new Error('mine');
    };
    await expect(drill(app, { requests: ['GET /orders'], timeoutMs: 15_000, during })).rejects.toThrow('mine');
    expect(performance.now() - begunAt).toBeLessThan(10_000);
  });

  it.each([{ lagMs: NaN }, { lameDuckMs: -1 }, { clients: 0 }, { timeoutMs: 0 }])('rejects %p', async (option) => {
    app = await createOrders('express');
    await expect(drill(app, { requests: ['GET /orders'], ...option })).rejects.toThrow(RangeError);
  });

  it.each([
    ['without the module', false, { requests: ['GET /orders'] }, 'GracefulShutdownModule, got one without'],
    ['without requests', {}, { requests: [] }, 'to be given requests, got none'],
    ['with a request that is none', {}, { requests: ['orders'] }, "such as 'GET /orders', got 'orders'"],
  ] as const)('rejects %s', async (_, drain, options, message) => {
    app = await createOrders('express', drain);
    await expect(drill(app, options)).rejects.toMatchObject({
      code: 'DRAIN_INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });

  it('rejects where nothing answers the probe, and says what to name', async () => {
    app = await createOrders('express');
    await expect(drill(app, { requests: ['GET /orders'], readinessPath: '/nowhere' })).rejects.toMatchObject({
      code: 'DRAIN_INVALID_ARGUMENT',
      message: expect.stringContaining('Expected GET /nowhere of the application to answer 200 within 4000 ms'),
    });
  });
});

describe('The matchers', () => {
  const shutdown = { outcome: 'drained', phases: [], leftovers: [], advice: [], refused: 0 };
  const roll = { requests: 5, failed: 0, failures: [], servedByApp: 5, servedBySuccessor: 0, shutdown, drainMs: 30 };
  const rollWith = (over: object): Roll => ({ ...roll, ...over }) as unknown as Roll;

  it('hold what they should', () => {
    expect(rollWith({})).toLoseNothing();
    expect(rollWith({})).toDrainWithin(30);
    expect(rollWith({})).not.toDrainWithin(29);
  });

  it.each([
    ['serves nothing', { servedByApp: 0 }, 'Nothing was served by the application'],
    ['times out', { shutdown: { ...shutdown, outcome: 'timed-out' } }, 'timed-out after 30 ms'],
    [
      'leaves something over',
      { shutdown: { ...shutdown, leftovers: [{ kind: 'task', name: 'import', ageMs: 12 }] } },
      'left over: task import, 12 ms old',
    ],
  ])('do not hold for a roll that %s', (_, over, message) => {
    expect(() => expect(rollWith(over)).toLoseNothing()).toThrow(message);
  });

  it('show ten failures, and how many more there are', () => {
    const failure = {
      request: 'GET /orders',
      kind: 'reset',
      sinceCloseMs: -12,
      phase: 'running',
      afterMs: 3,
      reusedConnection: true,
      sentTo: 'app',
      detail: 'socket hang up',
    };
    const failures = Array.from({ length: 12 }, () => failure);
    expect(() => expect(rollWith({ failed: 12, failures })).toLoseNothing()).toThrow(
      '  - GET /orders: reset 12 ms before the close (running), 3 ms after it was sent, on a kept connection to the app [socket hang up]\n  - and 2 more',
    );
  });

  it.each([
    ['a promise', Promise.resolve(roll), 'got a promise: await it'],
    ['something else', { failed: 0 }, 'got { failed: 0 }'],
    ['nothing', undefined, 'got undefined'],
  ])('say what they were given: %s', (_, given, message) => {
    expect(() => expect(given).toLoseNothing()).toThrow(message);
    expect(() => expect(given).toDrainWithin(1)).toThrow(message);
  });

  it('say of a negation that it does not hold', () => {
    expect(() => expect(rollWith({})).not.toLoseNothing()).toThrow('Expected the roll to lose something');
    expect(() => expect(rollWith({})).not.toDrainWithin(50)).toThrow('Expected the roll not to drain within 50 ms');
  });
});
