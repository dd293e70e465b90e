import { afterEach, describe, expect, it } from '@jest/globals';
import { ClientTCP } from '@nestjs/microservices';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstValueFrom, lastValueFrom, type Observable, tap, toArray } from 'rxjs';
import { retryWhenDraining } from '../../../src/client/index.js';
import { enters } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { TcpBalancer } from './tcp-balancer.js';
import { startTcp, type TcpApplication } from './tcp-applications.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  Gate.releaseAll();
  for (const end of ends.splice(0).reverse()) await end();
});

async function replica(): Promise<TcpApplication> {
  const application = await startTcp();
  ends.push(() => application.app.close());
  return application;
}

async function balanced(...replicas: TcpApplication[]): Promise<{ balancer: TcpBalancer; client: ClientTCP }> {
  const balancer = new TcpBalancer();
  balancer.ports = replicas.map(({ port }) => port);
  const client = new ClientTCP({ host: '127.0.0.1', port: await balancer.listen() });
  ends.push(() => balancer.close());
  ends.push(() => client.close());
  return { balancer, client };
}

/** Sends messages at a rate until it is told to stop, and remembers what came of each. */
async function load(
  everyMs: number,
  send: (id: number) => Observable<unknown>,
  isOver: () => boolean,
): Promise<{ sent: number[]; failed: unknown[]; answered: number[] }> {
  const result = { sent: [] as number[], failed: [] as unknown[], answered: [] as number[] };
  const pending: Promise<unknown>[] = [];
  for (let id = 1; !isOver(); id++) {
    result.sent.push(id);
    pending.push(
      lastValueFrom(send(id).pipe(toArray())).then(
        () => result.answered.push(id),
        (error: unknown) => result.failed.push(error),
      ),
    );
    await sleep(everyMs);
  }
  await Promise.all(pending);
  return result;
}

const sorted = (...replicas: TcpApplication[]) =>
  replicas.flatMap(({ done }) => done.ended).toSorted((one, other) => one - other);

describe('retryWhenDraining()', () => {
  it.each([
    ['500 ms', 20, 500],
    ['30 ms', 2, 30],
  ])(
    'loses no call of %s, and none is executed twice, when one replica after the other is restarted',
    async (_, everyMs, ms) => {
      const replicas = [await replica(), await replica()];
      const { balancer, client } = await balanced(...replicas);
      let isOver = false;
      const calls = load(
        everyMs,
        (id) => client.send('order', { id, ms }).pipe(retryWhenDraining(client)),
        () => isOver,
      );
      for (const old of [0, 1]) {
        await sleep(300);
        const next = await replica();
        balancer.ports = [...replicas.slice(old + 1), next].map(({ port }) => port);
        replicas.push(next);
        await replicas[old]!.app.close();
      }
      await sleep(200);
      isOver = true;
      const { sent, failed, answered } = await calls;
      expect(failed).toEqual([]);
      expect(answered).toHaveLength(sent.length);
      expect(sorted(...replicas)).toEqual(sent);
    },
  );

  it('keeps events of the same client, and lets streams end where they were begun', async () => {
    const [old, next] = [await replica(), await replica()];
    const { balancer, client } = await balanced(old);
    let isOver = false;
    const streams = load(
      50,
      (id) => client.send('stream', { id: -id, ms: 250 }).pipe(retryWhenDraining(client)),
      () => isOver,
    );
    const events = load(
      5,
      (id) => client.emit('ordered', { id, ms: 20 }),
      () => isOver,
    );
    await sleep(200);
    balancer.ports = [next.port];
    await old.app.close();
    await sleep(100);
    isOver = true;
    expect((await streams).failed).toEqual([]);
    const { sent, failed } = await events;
    expect(failed).toEqual([]);
    const executedEvents = () => sorted(old, next).filter((id) => id > 0);
    // The last ones are on their way.
    for (let turn = 0; turn < 100 && executedEvents().length < sent.length; turn++) await sleep(20);
    const executed = executedEvents();
    expect(new Set(executed).size).toBe(executed.length);
    expect(sent.length - executed.length).toBeLessThanOrEqual(1);
    expect(next.done.ended.length).toBeGreaterThan(0);
  });

  it('connects anew at the first refusal, though calls are in progress on the connection', async () => {
    const [old, next] = [await replica(), await replica()];
    const { balancer, client } = await balanced(old);
    const gate = old.done.hold(1);
    const held = firstValueFrom(client.send('order', { id: 1 }));
    await old.done.begins(1);
    balancer.ports = [next.port];
    const draining = enters(old.shutdown, 'draining');
    const closed = old.app.close();
    await draining;
    const retried = client.send('order', { id: 2 }).pipe(retryWhenDraining(client));
    expect(await firstValueFrom(retried)).toBe(2);
    // Without the operator: the connection is another one by now.
    expect(await firstValueFrom(client.send('order', { id: 3 }))).toBe(3);
    gate.release();
    expect(await held).toBe(1);
    await closed;
    expect([old.done.ended, next.done.ended]).toEqual([[1], [2, 3]]);
  });

  it('waits for a successor on the same port', async () => {
    const old = await replica();
    const client = new ClientTCP({ host: '127.0.0.1', port: old.port });
    ends.push(() => client.close());
    const gate = old.done.hold(1);
    const held = firstValueFrom(client.send('order', { id: 1 }));
    await old.done.begins(1);
    const draining = enters(old.shutdown, 'draining');
    const closed = old.app.close();
    await draining;
    const refusable = client.send('order', { id: 2 }).pipe(tap({ error: () => gate.release() }));
    const retried = firstValueFrom(refusable.pipe(retryWhenDraining(client)));
    expect(await held).toBe(1);
    await closed;
    const next = await startTcp({ port: old.port });
    ends.push(() => next.app.close());
    expect(await retried).toBe(2);
    expect(next.done.ended).toEqual([2]);
  });

  it('leaves what was cut in the middle as it is', async () => {
    const old = await startTcp({}, { drainTimeoutMs: 1_000 });
    const next = await replica();
    const { balancer, client } = await balanced(old);
    old.done.hold(1);
    const cut = firstValueFrom(client.send('order', { id: 1 }).pipe(retryWhenDraining(client)));
    const failed = expect(cut).rejects.toMatchObject({ message: 'Connection closed' });
    await old.done.begins(1);
    balancer.ports = [next.port];
    const draining = enters(old.shutdown, 'draining');
    const closed = old.app.close();
    await draining;
    const late = client.send('order', { id: 2 }).pipe(retryWhenDraining(client));
    expect(await firstValueFrom(late)).toBe(2);
    await failed;
    await closed;
    expect(next.done.begun).toEqual([2]);
  });

  it('is needed: without it calls fail in such a restart', async () => {
    const [old, next] = [await replica(), await replica()];
    const { balancer, client } = await balanced(old);
    let isOver = false;
    // The connection stays until a call has been refused on it.
    const gate = old.done.hold(1);
    const isDraining = (error: unknown) => (error as { code?: string }).code === 'DRAINING';
    const calls = load(
      2,
      (id) => client.send('order', { id, ms: 30 }).pipe(tap({ error: (error) => isDraining(error) && gate.release() })),
      () => isOver,
    );
    await sleep(200);
    balancer.ports = [next.port];
    await old.app.close();
    isOver = true;
    const { sent, failed } = await calls;
    expect(failed.length).toBeGreaterThan(0);
    // They are explicit, but for those that crossed the FIN, and none of them was executed.
    expect(failed.filter(isDraining).length).toBeGreaterThan(0);
    expect(sorted(old, next)).toHaveLength(sent.length - failed.length);
  });
});
