import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { redisTransport } from '../../../../../src/drainables/microservices/redis/redis-transport.js';
import { type Transport } from '../../../../../src/drainables/microservices/shared/transport.js';
import { FakeClock, settle } from '../../../../support/fake-clock.js';
import { contextWith } from '../transport-context.js';

/** What a client of `ioredis` has. */
class FakeClient extends EventEmitter {
  status = 'ready';
  readonly options = { autoResubscribe: true };
  readonly ended: string[] = [];
  asked = 0;
  quits = 0;
  disconnects = 0;
  answer: () => Promise<unknown> = () => Promise.resolve('OK');

  unsubscribe(...channels: readonly string[]): Promise<unknown> {
    this.asked++;
    this.ended.push(...channels);
    return this.answer();
  }

  punsubscribe(...channels: readonly string[]): Promise<unknown> {
    return this.unsubscribe(...channels.map((channel) => `pattern ${channel}`));
  }

  quit(): Promise<unknown> {
    this.quits++;
    return this.answer();
  }

  disconnect(): void {
    this.disconnects++;
  }
}

/** What `ServerRedis` has. */
class FakeServer {
  readonly transportId = 1;
  readonly options: { readonly wildcards?: boolean };
  subClient? = new FakeClient();
  pubClient? = new FakeClient();
  error?: Error;
  readonly messageHandlers = new Map([
    ['orders.create', { isEventHandler: false }],
    ['orders.paid', { isEventHandler: true }],
  ]);

  constructor(wildcards = false) {
    this.options = { wildcards };
  }

  /** Whom Nest calls back: when it has connected, or when it could not. */
  listen(called: (error?: Error) => void): void {
    called(this.error);
  }

  getRequestPattern(pattern: string): string {
    return `tenant.${pattern}`;
  }
}

describe('The transport of Redis', () => {
  let clock: FakeClock;
  let server: FakeServer;
  let transport: Transport;
  const deadline = new AbortController().signal;

  function transportOf(fake: FakeServer, error?: Error): Transport {
    const made = redisTransport(fake, contextWith({ clock, isDraining: () => true }))!;
    fake.error = error;
    fake.listen(() => undefined);
    return made;
  }

  beforeEach(() => {
    clock = new FakeClock();
    server = new FakeServer();
    transport = transportOf(server);
  });

  it('is recognised by its number', () => {
    expect(transport.name).toBe('Redis');
    expect(redisTransport({ transportId: 2 }, contextWith({ clock, isDraining: () => true }))).toBeUndefined();
  });

  it('takes no further messages when Redis has confirmed the end of the subscriptions of its patterns', async () => {
    let confirm: (value: unknown) => void = () => undefined;
    server.subClient!.answer = () => new Promise((resolve) => (confirm = resolve));
    let stopped = false;
    void transport.stopTaking(deadline).then(() => (stopped = true));
    await settle();
    expect(server.subClient!.ended).toEqual(['tenant.orders.create', 'orders.paid']);
    expect(stopped).toBe(false);
    confirm(2);
    await settle();
    expect(stopped).toBe(true);
    await expect(transport.flush!(deadline)).resolves.toBeUndefined();
  });

  it('ends subscriptions of wildcards as such', async () => {
    server = new FakeServer(true);
    await transportOf(server).stopTaking(deadline);
    expect(server.subClient!.ended).toEqual(['pattern tenant.orders.create', 'pattern orders.paid']);
  });

  it('does not wait for a confirmation over a connection that is lost, nor subscribes again', async () => {
    server.subClient!.answer = () => new Promise(() => undefined);
    const stopped = transport.stopTaking(deadline);
    server.subClient!.emit('close');
    await stopped;
    expect(server.subClient!.options.autoResubscribe).toBe(false);
    await expect(transport.flush!(deadline)).rejects.toMatchObject({ code: 'DRAIN_CONNECTION_LOST' });
  });

  it('bears with a subscription that cannot be ended any more', async () => {
    server.subClient!.answer = () => Promise.reject(new Error('Connection is closed.'));
    await transport.stopTaking(deadline);
    await expect(transport.flush!(deadline)).rejects.toMatchObject({ code: 'DRAIN_CONNECTION_LOST' });
  });

  it('says that replies may be lost when Redis is down as draining begins', async () => {
    server.subClient!.status = server.pubClient!.status = 'reconnecting';
    await transport.stopTaking(deadline);
    expect(server.subClient!.ended).toEqual([]);
    await expect(transport.flush!(deadline)).rejects.toMatchObject({ code: 'DRAIN_CONNECTION_LOST' });
  });

  it('has lost nothing where it has never reached Redis', async () => {
    server = new FakeServer();
    transport = transportOf(server, new Error('connect ECONNREFUSED'));
    server.subClient!.status = server.pubClient!.status = 'reconnecting';
    await transport.stopTaking(deadline);
    await expect(transport.flush!(deadline)).resolves.toBeUndefined();
  });

  it('has nothing to stop where it never listened', async () => {
    server.subClient = server.pubClient = undefined;
    await transport.stopTaking(deadline);
    await transport.flush!(deadline);
    await transport.disconnect!(() => undefined, false);
  });

  it('ends no subscriptions where it has none: without names Redis would end all', async () => {
    server.messageHandlers.clear();
    await transport.stopTaking(deadline);
    expect(server.subClient!.asked).toBe(0);
  });

  it('ends a connection that cannot be quit', async () => {
    server.pubClient!.answer = () => Promise.reject(new Error('Connection is closed.'));
    await transport.disconnect!(() => undefined, false);
    expect([server.pubClient!.disconnects, server.subClient!.disconnects]).toEqual([1, 0]);
  });

  it('waits until both clients have quit, also where Nest does not, and closes twice without an error', async () => {
    const { pubClient, subClient } = server;
    const close = () => void [pubClient, subClient].forEach((client) => void client!.quit());
    await transport.disconnect!(close, false);
    close();
    expect([pubClient!.quits, subClient!.quits]).toEqual([1, 1]);
    expect([pubClient!.disconnects, subClient!.disconnects]).toEqual([0, 0]);
  });

  it('does not ask a client to quit that has no connection', async () => {
    server.pubClient!.status = 'end';
    await transport.disconnect!(() => undefined, false);
    expect([server.pubClient!.quits, server.pubClient!.disconnects]).toEqual([0, 1]);
  });

  it.each([
    ['after half a second', 500, false],
    ['sooner when the drain was cut', 100, true],
  ])('ends both connections when Redis does not answer, %s', async (_, ms, wasCut) => {
    const { pubClient, subClient } = server;
    pubClient!.answer = () => new Promise(() => undefined);
    subClient!.answer = () => new Promise(() => undefined);
    let isClosed = false;
    void (transport.disconnect!(() => undefined, wasCut) as Promise<void>).then(() => (isClosed = true));
    await clock.advance(ms - 1);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    expect(isClosed).toBe(true);
    expect([pubClient!.disconnects, subClient!.disconnects]).toEqual([1, 1]);
    clock.assertNoTimerLeft();
  });

  it('warns of calls, which every replica executes, and not of events', () => {
    expect(transport.warnings).toEqual([expect.stringContaining("'tenant.orders.create'")]);
    server.messageHandlers.delete('orders.create');
    expect(transport.warnings).toEqual([]);
  });
});
