import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { GRPCHealthIndicator, TerminusModule } from '@nestjs/terminus';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { build, Child, type ChildSetup, endAll } from '../process/support/child.js';
import { directory, healthClient, lateClient, ordersClient } from './support/grpc-clients.js';
import { type CallKind, grpcLoad, type Tally } from './support/grpc-load.js';
import { HoldingProxy } from '../support/holding-proxy.js';
import { ended, Http2Client } from '../support/http2-client.js';
import { awakeFrom, exitMs, lateExitMs } from './support/rolls.js';
import { freePort } from '../../packages/tools/src/drill/free-port.js';

beforeAll(build);

const closing: (() => void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await endAll();
});

const kubernetes = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
const loads = { '50 of 500 ms': [20, 500], '400 of 30 ms': [2.5, 30] } as const;
const kinds: CallKind[] = ['unary', 'serverStream', 'clientStream', 'bidi', 'rawClientStream', 'rawBidi'];

async function replica(setup: ChildSetup = {}): Promise<{ child: Child; port: number }> {
  const port = await freePort();
  return { child: await Child.start('../../brokers/apps/grpc', { drain: 10_000, ...setup, port }), port };
}

function closedLater<T extends { close(): void }>(client: T): T {
  closing.push(() => client.close());
  return client;
}

type Stop = (child: Child) => void;
const stops: Record<string, Stop> = {
  SIGTERM: (child) => child.signal('SIGTERM'),
  'app.close()': (child) => child.say('close'),
};

/** Stops one of two replicas under load. */
async function roll(setup: ChildSetup, stop: Stop, [everyMs, ms]: readonly [number, number]) {
  const [old, successor] = await Promise.all([replica(setup), replica()]);
  const client = closedLater(ordersClient(old.port, successor.port));
  const load = grpcLoad(client, kinds, everyMs, ms);
  await sleep(1_000);
  await old.child.until('ran', () => old.child.timesTold('ran') > 10);
  stop(old.child);
  const { end } = await old.child.ended;
  const afterLastMs = await awakeFrom(lastEnd(old.child), old.child);
  await sleep(300);
  await load.end();
  return {
    ...facts(load, old.child, successor.child),
    end,
    afterLastMs,
    old: old.child,
  };
}

function facts(load: Tally, old: Child, successor: Child) {
  const ran = [...old.told, ...successor.told].filter(({ event }) => event === 'ran');
  const times = new Map<string, number>();
  for (const { id } of ran) times.set(id as string, (times.get(id as string) ?? 0) + 1);
  return {
    answered: load.answered.size,
    failed: load.failed,
    twice: [...times.values()].filter((each) => each > 1).length,
    ranAfterDestroy: ran.filter(({ isOpen }) => !isOpen).length,
    ranByOld: old.timesTold('ran'),
    unhandled: old.timesTold('unhandled'),
  };
}

function lastEnd(child: Child): number {
  return Math.max(...child.told.filter(({ event }) => event === 'ran').map(({ at }) => at as number));
}

const grpcHeaders = { 'content-type': 'application/grpc', te: 'trailers' };

/** An order of 0 ms on the wire: five bytes of gRPC before one field of protobuf. */
function orderMessage(id: string): string {
  const field = `\n${String.fromCharCode(id.length)}${id}`;
  return `\0\0\0\0${String.fromCharCode(field.length)}${field}`;
}

/** A client that speaks HTTP/2 itself, and the wire between it and the replica. */
async function throughWire(port: number): Promise<{ wire: HoldingProxy; client: Http2Client }> {
  const wire = await HoldingProxy.listen(port);
  closing.push(() => void wire.close());
  const client = await Http2Client.connect(`http://127.0.0.1:${wire.port}`);
  closing.push(() => client.destroy());
  return { wire, client };
}

const nothingLost = { failed: [], twice: 0, ranAfterDestroy: 0, unhandled: 0 };

describe('gRPC', () => {
  for (const [name, load] of Object.entries(loads)) {
    for (const [how, stop] of Object.entries(stops)) {
      it.each([false, true])(`loses nothing of ${name} by ${how} (hybrid: %p)`, async (hybrid) => {
        const { old, end, afterLastMs, ...rest } = await roll({ hybrid }, stop, load);
        expect(rest).toMatchObject(nothingLost);
        expect(afterLastMs).toBeLessThan(exitMs);
        expect(end).toBe(how === 'SIGTERM' ? 'SIGTERM' : 0);
        expect(await old.report()).toMatchObject({ outcome: 'drained', clean: true });
      });
    }
  }

  it('without the module loses calls', async () => {
    const { failed } = await roll({ drain: false }, stops.SIGTERM!, loads['50 of 500 ms']);
    expect(failed.length).toBeGreaterThan(5);
  });

  it('loses nothing where Nest waits as well (gracefulShutdown)', async () => {
    const { old, ...rest } = await roll({ gracefulShutdown: true }, stops.SIGTERM!, loads['50 of 500 ms']);
    expect(rest).toMatchObject(nothingLost);
    expect(await old.report()).toMatchObject({ clean: true });
  });

  it('loses nothing where clients hear of the successor 2 s after SIGTERM', async () => {
    const [old, successor] = await Promise.all([replica({ env: kubernetes, drain: {} }), replica()]);
    directory.set('rolled', old.port);
    const client = closedLater(lateClient('rolled'));
    const load = grpcLoad(client, kinds, 20, 500);
    await sleep(1_000);
    old.child.signal('SIGTERM');
    await sleep(2_000);
    directory.set('rolled', successor.port);
    await old.child.ended;
    await load.end();
    const rest = facts(load, old.child, successor.child);
    expect(rest).toMatchObject(nothingLost);
    expect(rest.ranByOld).toBeGreaterThan(50);
    expect(await old.child.report()).toMatchObject({ outcome: 'drained', clean: true });
  });

  it('serves a call that crosses the telling on the wire: its client would send it again only once', async () => {
    const drain = { lameDuck: { minMs: 2_000, quietMs: 0, maxMs: 2_000 } };
    const { child, port } = await replica({ drain });
    const { wire, client } = await throughWire(port);
    const call = (id: string) => ended(client.open('/orders.Orders/Create', grpcHeaders, orderMessage(id)));
    expect(await call('before')).toMatchObject({ outcome: 'answered' });
    wire.hold('to the client');
    child.signal('SIGTERM');
    await wire.isHolding;
    // The server has told the client, who does not know yet.
    const crossing = call('crossing');
    await wire.carried('to the server');
    wire.release();
    expect(await crossing).toMatchObject({ outcome: 'answered', status: 200 });
    await client.closed;
    expect(child.told.filter(({ event }) => event === 'ran').map(({ id }) => id)).toEqual(['before', 'crossing']);
  });

  it('lets a call end whose client has closed its channel already: a second notice would cut it', async () => {
    const { child, port } = await replica();
    const client = ordersClient(port);
    const call = client.chat();
    const over = new Promise((resolve) => call.on('status', ({ code }) => resolve(code)));
    let failed: unknown;
    call.on('error', (error) => (failed = error));
    const answerTo = async (id: string) => {
      call.write({ id, ms: 0 });
      const [{ id: answered }] = (await once(call, 'data')) as [{ id: string }];
      return answered;
    };
    expect(await answerTo('before')).toBe('before');
    client.close();
    // The replica has read, before this one, that its client leaves.
    expect(await answerTo('behind the last word')).toBe('behind the last word');
    child.signal('SIGTERM');
    await child.entered('draining');
    // A session is told within 100 ms.
    await sleep(200);
    expect(failed).toBeUndefined();
    expect(await answerTo('while draining')).toBe('while draining');
    call.end();
    expect(await over).toBe(0);
    await child.ended;
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true });
  });

  it('finds an end where clients come back at once: the listener closes before they are told', async () => {
    const { child, port } = await replica();
    const { wire, client } = await throughWire(port);
    await client.request('/orders.Orders/Create', grpcHeaders, orderMessage('before'));
    wire.hold('to the client');
    child.signal('SIGTERM');
    // The drain waits for its client to have heard.
    await wire.isHolding;
    await expect(Http2Client.connect(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    wire.release();
    await child.ended;
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true });
  });

  it('without a lame duck loses calls of clients that hear of the successor late', async () => {
    const [old, successor] = await Promise.all([replica(), replica()]);
    directory.set('at-once', old.port);
    const load = grpcLoad(closedLater(lateClient('at-once')), ['unary'], 20, 500);
    await sleep(500);
    old.child.signal('SIGTERM');
    await sleep(2_000);
    directory.set('at-once', successor.port);
    await old.child.ended;
    await load.end();
    expect(load.failed.length).toBeGreaterThan(5);
  });

  it('names an endless stream, and cuts it at the deadline', async () => {
    const { child, port } = await replica({ drain: 1_000 });
    const stream = closedLater(ordersClient(port)).endless({ id: 'endless', ms: 0 });
    const failed = new Promise<Error>((resolve) => stream.on('error', resolve));
    await new Promise((resolve) => stream.once('data', resolve));
    const signalledAt = Date.now();
    child.signal('SIGTERM');
    const { ms } = await child.ended;
    expect(ms).toBeGreaterThanOrEqual(1_000);
    expect(await awakeFrom(signalledAt, child)).toBeLessThan(1_000 + lateExitMs);
    await failed;
    expect(await child.report()).toMatchObject({
      outcome: 'timed-out',
      leftovers: [{ kind: 'rpc', name: 'orders.Orders/Endless' }],
    });
  });

  it('does not wait for a stream whose client has gone', async () => {
    const { child, port } = await replica({ drain: 10_000 });
    const client = closedLater(ordersClient(port));
    const stream = client.endless({ id: 'endless', ms: 0 });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('data', resolve));
    stream.cancel();
    await sleep(100);
    const signalledAt = Date.now();
    child.signal('SIGTERM');
    expect(await awakeFrom(signalledAt, child)).toBeLessThan(500);
    expect(await child.report()).toMatchObject({ outcome: 'drained', leftovers: [] });
  });
});

describe.each(['implementation', 'controller'])('The health service of gRPC (%s)', (health) => {
  /** Whoever is slow to ask still finds it there. */
  const lameDuckMs = 2_000;
  const drain = { lameDuck: { minMs: lameDuckMs, quietMs: 0, maxMs: lameDuckMs } };
  const check = (port: number) =>
    new Promise((resolve) => {
      const client = closedLater(healthClient(port));
      client.check({ service: '' }, (error, answer) => resolve(error ? error.code : answer.status));
    });

  it('does not serve once readiness has failed, tells whoever watches, and keeps nobody waiting', async () => {
    const { child, port } = await replica({ health, drain });
    expect(await check(port)).toBe('SERVING');
    const watch = closedLater(healthClient(port)).watch({ service: '' });
    const seen: string[] = [];
    watch.on('data', ({ status }: { status: string }) => seen.at(-1) !== status && seen.push(status));
    const ended = new Promise<{ code?: number }>((resolve) => watch.on('error', resolve));
    await new Promise((resolve) => watch.once('data', resolve));
    const signalledAt = Date.now();
    child.signal('SIGTERM');
    await child.entered('lame-duck');
    expect(await check(port)).toBe('NOT_SERVING');
    expect(await ended).toMatchObject({ code: 14 });
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    expect(await awakeFrom(signalledAt, child)).toBeLessThan(lameDuckMs + 400);
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(child.timesTold('unhandled')).toBe(0);
  });

  it('is seen alike by the indicator of Terminus', async () => {
    const { child, port } = await replica({ health, drain });
    const checker = await NestFactory.createApplicationContext(TerminusModule.forRoot({ logger: false }), {
      logger: false,
    });
    const indicator = await checker.resolve(GRPCHealthIndicator);
    const look = async () => {
      const result = await indicator.checkService('orders', '', { url: `127.0.0.1:${port}`, timeout: 10_000 });
      return result.orders.status;
    };
    expect(await look()).toBe('up');
    child.signal('SIGTERM');
    await child.entered('lame-duck');
    expect(await look()).toBe('down');
    await child.ended;
    await checker.close();
  });
});
