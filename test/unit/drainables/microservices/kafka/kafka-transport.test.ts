import { beforeEach, describe, expect, it } from '@jest/globals';
import { kafkaTransport } from '../../../../../src/drainables/microservices/kafka/kafka-transport.js';
import { type Transport, type TransportServer } from '../../../../../src/drainables/microservices/shared/transport.js';
import { FakeClock } from '../../../../support/fake-clock.js';
import { contextWith } from '../transport-context.js';

/** A consumer of kafkajs: it stops when the test wants. */
class FakeConsumer {
  readonly events = { CRASH: 'consumer.crash', GROUP_JOIN: 'consumer.group_join', REBALANCING: 'consumer.rebalancing' };
  readonly listeners: (() => unknown)[] = [];
  readonly paused: string[] = [];
  stops = 0;
  hasStopped: (error?: Error) => void = () => undefined;

  stop(): Promise<void> {
    this.stops++;
    return new Promise((resolve, reject) => (this.hasStopped = (error) => (error ? reject(error) : resolve())));
  }

  pause(topics: readonly { topic: string }[]): void {
    this.paused.push(...topics.map(({ topic }) => topic));
  }

  on(event: string, listener: (event: object) => unknown): void {
    if (event === this.events.CRASH) this.listeners.push(listener as () => unknown);
    else if (event === this.events.REBALANCING) this.rejoins = () => listener({});
    else
      this.joins = (...topics) =>
        listener({ payload: { memberAssignment: Object.fromEntries(topics.map((topic) => [topic, [0]])) } });
  }

  /** It has joined its group, and is given partitions of these topics. */
  joins: (...topics: string[]) => void = () => undefined;
  /** Its group rebalances. Nothing runs any longer, what ran is committed, and it waits for others to join as well. */
  rejoins: () => void = () => undefined;
}

/** What `ServerKafka` of Nest does, and nothing else. */
class FakeKafkaServer implements TransportServer {
  readonly transportId = 6;
  readonly groupId = 'orders-server';
  consumer: FakeConsumer | null = null;
  options: object = {};
  isConsuming = false;
  readonly handled: unknown[] = [];
  joined: Promise<unknown> = Promise.resolve();
  handler: Promise<unknown> = Promise.resolve();

  /** What kafkajs calls. */
  eachMessage: (payload: unknown) => Promise<unknown> = () => Promise.reject(new Error('It does not consume.'));

  async bindEvents(): Promise<void> {
    await this.joined;
    this.eachMessage = this.getMessageHandler();
    this.isConsuming = true;
  }

  getMessageHandler(): (payload: unknown) => Promise<unknown> {
    return async (payload) => this.handleMessage(payload);
  }

  handleMessage(payload: unknown): Promise<void> {
    this.handled.push(payload);
    return this.handler as Promise<void>;
  }

  async start(): Promise<void> {
    this.consumer = new FakeConsumer();
    await (this as unknown as { bindEvents(consumer: unknown): Promise<void> }).bindEvents(this.consumer);
  }
}

describe('Kafka', () => {
  let clock: FakeClock;
  let server: FakeKafkaServer;
  let transport: Transport;
  const { signal } = new AbortController();

  beforeEach(() => {
    clock = new FakeClock();
    server = new FakeKafkaServer();
    transport = kafkaTransport(server, contextWith({ clock }))!;
  });

  it('is named by its group; another transport is none of its own', () => {
    expect(transport.name).toBe('Kafka (orders-server)');
    expect(kafkaTransport({ transportId: 5 }, contextWith({ clock }))).toBeUndefined();
  });

  it('stops its consumer, and is through when that has committed and left the group', async () => {
    await server.start();
    await transport.stopTaking(signal);
    expect(server.consumer!.stops).toBe(1);
    let isFlushed = false;
    const flushing = transport.flush!(signal).then(() => (isFlushed = true));
    await clock.advance(0);
    expect(isFlushed).toBe(false);
    server.consumer!.hasStopped();
    await flushing;
    await transport.flush!(signal);
    expect(server.consumer!.stops).toBe(1);
  });

  it('says when its consumer cannot be stopped', async () => {
    await server.start();
    await transport.stopTaking(signal);
    server.consumer!.hasStopped(new Error('no coordinator'));
    // Messages run on, and nobody has asked yet: unhandled, the error would fail this test, and end a process.
    await clock.advance(0);
    await expect(transport.flush!(signal)).rejects.toThrow('no coordinator');
  });

  it('stays stopped when its consumer crashes meanwhile, which would begin anew', async () => {
    await server.start();
    await transport.stopTaking(signal);
    const told = server.consumer!.listeners[0]!();
    // The timer is armed just after it has told.
    expect(server.consumer!.stops).toBe(1);
    await clock.advance(0);
    expect(server.consumer!.stops).toBe(2);
    server.consumer!.hasStopped();
    await told;
  });

  it('executes no message that comes once its consumer has been stopped', async () => {
    await server.start();
    await server.handleMessage('early');
    await transport.stopTaking(signal);
    await expect(server.handleMessage('late')).rejects.toThrow(
      'Expected no message once the consumer had been stopped',
    );
    expect(server.handled).toEqual(['early']);
  });

  describe('whose handlers commit: autoCommit is false', () => {
    beforeEach(async () => {
      server.options = { run: { autoCommit: false } };
      await server.start();
      server.consumer!.joins('orders', 'payments');
    });

    it('goes on until they have ended, for they could not commit any longer; it fetches nothing meanwhile', async () => {
      await transport.stopTaking(signal);
      await clock.advance(0);
      expect(server.consumer).toMatchObject({ stops: 0, paused: ['orders', 'payments'] });
      const flushing = transport.flush!(signal);
      expect(server.consumer!.stops).toBe(1);
      server.consumer!.hasStopped();
      await flushing;
    });

    it('tells kafkajs that a message has ended when it has been told to stop: a fetch would be waited for', async () => {
      let end: (value?: unknown) => void = () => undefined;
      server.handler = new Promise((resolve) => (end = resolve));
      let isTold = false;
      void server.eachMessage('running').then(() => (isTold = true));
      await transport.stopTaking(signal);
      end();
      await clock.advance(0);
      expect({ isTold, stops: server.consumer!.stops }).toEqual({ isTold: false, stops: 0 });
      const flushing = transport.flush!(signal);
      await clock.advance(0);
      expect({ isTold, stops: server.consumer!.stops }).toEqual({ isTold: true, stops: 1 });
      server.consumer!.hasStopped();
      await flushing;
    });

    it('pauses what it is given when the group rebalances meanwhile', async () => {
      await transport.stopTaking(signal);
      server.consumer!.joins('refunds');
      expect(server.consumer!.paused).toEqual(['orders', 'payments', 'refunds']);
    });

    it('holds what still comes until it has been told to stop: it would be given that again', async () => {
      await transport.stopTaking(signal);
      let isRefused = false;
      const late = server.handleMessage('late').catch(() => (isRefused = true));
      await clock.advance(0);
      expect(isRefused).toBe(false);
      const flushing = transport.flush!(signal);
      await late;
      server.consumer!.hasStopped();
      await flushing;
      expect({ isRefused, handled: server.handled }).toEqual({ isRefused: true, handled: [] });
    });

    it('lets go of what it holds when it is closed after the deadline', async () => {
      await transport.stopTaking(signal);
      const late = server.handleMessage('late');
      const closing = transport.disconnect!(() => Promise.resolve(), true);
      await expect(late).rejects.toThrow('Expected no message');
      await closing;
      expect(server.consumer!.stops).toBe(1);
    });

    it('cannot pause one that has crashed, and stops it', async () => {
      server.consumer!.pause = () => {
        throw new Error('Consumer group was not initialized');
      };
      await transport.stopTaking(signal);
      const flushing = transport.flush!(signal);
      server.consumer!.hasStopped();
      await flushing;
      expect(server.consumer!.stops).toBe(1);
    });
  });

  describe('in a consumer group', () => {
    let beats: number;
    let type: string;
    let end: (value?: unknown) => void;

    beforeEach(async () => {
      beats = 0;
      await server.start();
      server.handler = new Promise((resolve) => (end = resolve));
      type = 'REBALANCE_IN_PROGRESS';
      const heartbeat = () => {
        beats++;
        return Promise.reject(Object.assign(new Error('The group has changed'), { type }));
      };
      void server.eachMessage({ heartbeat });
    });

    it('says that it lives while a message runs: a consumer that stops no longer does', async () => {
      await transport.stopTaking(signal);
      await clock.advance(31_000);
      expect(beats).toBe(10);
      expect(clock.holdsProcess).toBe(false);
      end();
      await clock.advance(6_000);
      expect(beats).toBe(10);
      clock.assertNoTimerLeft();
    });

    it('says so as often as its consumer is told to, and no longer when the group has given it up', async () => {
      server.options = { consumer: { heartbeatInterval: 500 } };
      await transport.stopTaking(signal);
      await clock.advance(1_000);
      expect(beats).toBe(2);
      type = 'UNKNOWN_MEMBER_ID';
      await clock.advance(2_000);
      expect(beats).toBe(3);
      clock.assertNoTimerLeft();
    });

    it('says no longer that it lives once the drain deadline has passed', async () => {
      const deadline = new AbortController();
      await transport.stopTaking(deadline.signal);
      await clock.advance(3_000);
      deadline.abort();
      await clock.advance(6_000);
      expect(beats).toBe(1);
      clock.assertNoTimerLeft();
    });

    it.each(['while it stops', 'just before'])(
      'does not wait for a group that rebalances %s: all is committed',
      async (when) => {
        end();
        if (when === 'just before') server.consumer!.rejoins();
        await transport.stopTaking(signal);
        let isFlushed = false;
        const flushing = transport.flush!(signal).then(() => (isFlushed = true));
        if (when === 'while it stops') server.consumer!.rejoins();
        await clock.advance(4_999);
        expect(isFlushed).toBe(false);
        await clock.advance(1);
        await flushing;
        clock.assertNoTimerLeft();
      },
    );

    it('waits for a group that has rebalanced before', async () => {
      end();
      server.consumer!.rejoins();
      server.consumer!.joins('orders');
      await transport.stopTaking(signal);
      let isFlushed = false;
      const flushing = transport.flush!(signal).then(() => (isFlushed = true));
      await clock.advance(60_000);
      expect(isFlushed).toBe(false);
      server.consumer!.hasStopped();
      await flushing;
    });

    it('leaves a group that rebalances as soon as the others have joined', async () => {
      end();
      await transport.stopTaking(signal);
      const flushing = transport.flush!(signal);
      server.consumer!.rejoins();
      await clock.advance(2_000);
      server.consumer!.hasStopped();
      await flushing;
      clock.assertNoTimerLeft();
    });
  });

  it('stops a consumer that joins its group when it has joined', async () => {
    let join: (value?: unknown) => void = () => undefined;
    server.joined = new Promise((resolve) => (join = resolve));
    const started = server.start();
    const stopping = transport.stopTaking(signal);
    await clock.advance(0);
    expect(server.consumer!.stops).toBe(0);
    join();
    await started;
    await stopping;
    expect(server.consumer!.stops).toBe(1);
  });

  it('stops a consumer that could not join its group', async () => {
    server.joined = Promise.reject(new Error('no coordinator'));
    await expect(server.start()).rejects.toThrow('no coordinator');
    await transport.stopTaking(signal);
    expect(server.consumer!.stops).toBe(1);
  });

  it('does not begin to consume when draining has begun', async () => {
    await transport.stopTaking(signal);
    await transport.flush!(signal);
    await server.start();
    expect(server.isConsuming).toBe(false);
  });

  it.each([
    ['after half a second', 500, false],
    ['sooner when the drain was cut', 100, true],
  ])('gives up a group that cannot be left when it is closed, %s', async (_, ms, wasCut) => {
    let isClosed = false;
    const closing = Promise.resolve(transport.disconnect!(() => new Promise(() => undefined), wasCut)).then(
      () => (isClosed = true),
    );
    await clock.advance(ms - 1);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await closing;
  });
});
