import { beforeEach, describe, expect, it } from '@jest/globals';
import { ClientWorks, Message } from '../../../../src/drainables/websockets/client-work.js';
import { WebSocketServerDrainable } from '../../../../src/drainables/websockets/web-socket-server-drainable.js';
import { type ResolvedWebSocketOptions } from '../../../../src/drainables/websockets/web-socket-options.js';
import { InFlightTracker } from '../../../../src/in-flight/in-flight-tracker.js';
import { defaults } from '../../../../src/options/options.js';
import { type Leftover } from '../../../../src/sequence/drainable.js';
import { FakeClock, settle } from '../../../support/fake-clock.js';
import { StallingClock } from '../shared/stalling-clock.js';
import { type FakeClient, FakeServer } from './fake-server.js';

describe('WebSocketServerDrainable', () => {
  let clock: FakeClock;
  let server: FakeServer;
  let works: ClientWorks;
  let deadline: AbortController;
  beforeEach(() => {
    clock = new FakeClock();
    server = new FakeServer();
    works = new ClientWorks(clock, new InFlightTracker(clock));
    deadline = new AbortController();
  });

  function drainable(options: Partial<ResolvedWebSocketOptions> = {}) {
    return new WebSocketServerDrainable('fake server /', server, {
      clock,
      works,
      options: { ...defaults.webSockets, ...options },
      openedAt: () => undefined,
    });
  }

  /** Begins the drain, which begins by refusing new clients. */
  async function beginDrain(each: ReturnType<typeof drainable>): Promise<void> {
    void each.drain(deadline.signal);
    await settle();
  }

  function message(client: FakeClient): Message {
    return new Message('echo', clock.now(), works.of(client), works.tracker);
  }

  const told = (clients: readonly FakeClient[]) => clients.filter(({ farewell }) => farewell).length;
  const connect = (count: number) => Array.from({ length: count }, () => server.connect());

  /** What the drain resolved to; undefined while it is pending. */
  function watch(drain: Promise<readonly Leftover[]>): { leftovers?: readonly Leftover[] } {
    const watched: { leftovers?: readonly Leftover[] } = {};
    void drain.then((leftovers) => (watched.leftovers = leftovers));
    return watched;
  }

  it('tells nobody in the announcement of a lame duck that has no length', async () => {
    const clients = connect(3);
    drainable().announce(0);
    await clock.advance(10_000);
    expect(told(clients)).toBe(0);
  });

  it('spreads its clients over the lame duck: no 100 ms with more than twice their even share', async () => {
    const clients = connect(5_000);
    const each = drainable();
    each.announce(5_000);
    let before = 0;
    for (let bucket = 0; bucket < 50; bucket++) {
      await clock.advance(100);
      expect(told(clients) - before).toBeLessThanOrEqual(200);
      before = told(clients);
    }
    expect(before).toBe(5_000);
    await beginDrain(each);
    expect(await each.drain(deadline.signal)).toEqual([]);
    clock.assertNoTimerLeft();
  });

  it('gives newcomers a moment of what is left of the spread, and those after it the start of the drain', async () => {
    const each = drainable();
    each.announce(1_000);
    await clock.advance(500);
    const [early] = connect(1);
    await clock.advance(500);
    expect(early!.farewell).toBeDefined();
    const [late] = connect(1);
    await clock.advance(500);
    expect(late!.farewell).toBeUndefined();
    await beginDrain(each);
    await settle();
    expect(late!.farewell).toBeDefined();
  });

  it('goes on spreading while draining where the options say how long, and tells the rest at once where they do not', async () => {
    const clients = connect(100);
    const each = drainable({ spreadMs: 1_000 });
    each.announce(0);
    await beginDrain(each);
    const drained = watch(each.drain(deadline.signal));
    await settle();
    await clock.advance(500);
    expect(told(clients)).toBeGreaterThan(40);
    expect(told(clients)).toBeLessThan(60);
    expect(drained.leftovers).toBeUndefined();
    await clock.advance(500);
    expect(drained.leftovers).toEqual([]);

    const others = connect(100);
    const other = drainable();
    other.announce(1_000);
    await clock.advance(100);
    await beginDrain(other);
    await settle();
    expect(told(others)).toBe(100);
    clock.assertNoTimerLeft();
  });

  it('does not tell the rest at once where the event loop was held up until the spread had passed', async () => {
    const stalling = new StallingClock();
    clock = stalling;
    const clients = connect(1_000);
    const each = drainable();
    each.announce(1_000);
    await clock.advance(500);
    stalling.stall(600);
    await beginDrain(each);
    const drained = watch(each.drain(deadline.signal));
    await settle();
    const before = told(clients);
    await clock.advance(100);
    expect(told(clients) - before).toBeLessThanOrEqual(200);
    await clock.advance(400);
    expect([told(clients), drained.leftovers]).toEqual([1_000, []]);
    clock.assertNoTimerLeft();
  });

  it('tells a client that comes while draining at once', async () => {
    const each = drainable();
    each.announce(0);
    await beginDrain(each);
    const [late] = connect(1);
    await settle();
    expect(late!.farewell).toEqual({ code: 1001, reason: 'The server is shutting down' });
  });

  it('does not close a client whose handlers run, however long, nor in the poll in which one begins', async () => {
    const [client] = connect(1);
    const each = drainable();
    const first = message(client!);
    first.run();
    each.announce(0);
    await beginDrain(each);
    const drained = watch(each.drain(deadline.signal));
    await settle();
    await clock.advance(60_000);
    expect(client!.farewell).toBeUndefined();
    const second = message(client!);
    first.ran();
    second.run();
    await clock.advance(1_000);
    expect(client!.farewell).toBeUndefined();
    second.ran();
    // What comes in with the same poll of the event loop.
    for (let microtask = 0; microtask < 10; microtask++) await Promise.resolve();
    const third = message(client!);
    third.run();
    await clock.advance(0);
    expect(client!.farewell).toBeUndefined();
    third.ran();
    await clock.advance(0);
    expect(client!.farewell).toBeDefined();
    expect(drained.leftovers).toEqual([]);
    clock.assertNoTimerLeft();
  });

  it('waits for open replies without limit in the lame duck, and for closeTimeoutMs while draining', async () => {
    const [client] = connect(1);
    const each = drainable({ closeTimeoutMs: 500 });
    message(client!).open();
    each.announce(100);
    await clock.advance(5_000);
    expect(client!.farewell).toBeUndefined();
    await beginDrain(each);
    await clock.advance(499);
    expect(client!.farewell).toBeUndefined();
    await clock.advance(1);
    expect(client!.farewell).toBeDefined();
    clock.assertNoTimerLeft();
  });

  it('starts nothing behind the close frame, nor for a client that never pauses, after closeTimeoutMs', async () => {
    const [idle, busy] = connect(2);
    const each = drainable({ closeTimeoutMs: 500 });
    const running = message(busy!);
    running.run();
    server.areSilent = true;
    each.announce(0);
    await beginDrain(each);
    await settle();
    expect([works.of(idle!).isClosed, works.of(busy!).isClosed]).toEqual([true, false]);
    await clock.advance(500);
    expect([works.of(busy!).isClosed, busy!.farewell]).toEqual([true, undefined]);
    running.ran();
    await settle();
    expect(busy!.farewell).toBeDefined();
  });

  it('waits for a message on its way in', async () => {
    const [client] = connect(1);
    server.receiving = true;
    const each = drainable();
    each.announce(0);
    await beginDrain(each);
    await clock.advance(100);
    expect(client!.farewell).toBeUndefined();
    server.receiving = false;
    server.emit('over');
    await settle();
    expect(client!.farewell).toBeDefined();
  });

  it('cuts a client that does not answer, and names it', async () => {
    const [client] = connect(1);
    server.areSilent = true;
    const each = drainable({ closeTimeoutMs: 500 });
    each.announce(0);
    await beginDrain(each);
    const drained = watch(each.drain(deadline.signal));
    await settle();
    await clock.advance(499);
    expect([client!.isTerminated, drained.leftovers]).toEqual([false, undefined]);
    await clock.advance(1);
    expect(client!.isTerminated).toBe(true);
    expect(drained.leftovers).toEqual([
      { kind: 'websocket', name: 'fake server /', ageMs: 500, detail: expect.stringContaining('500 ms') as unknown },
    ]);
    clock.assertNoTimerLeft();
  });

  it('ends when clients go by themselves, told or not', async () => {
    const [working, told] = connect(2);
    server.areSilent = true;
    message(working!).open();
    const each = drainable();
    each.announce(0);
    await beginDrain(each);
    const drained = watch(each.drain(deadline.signal));
    await settle();
    await settle();
    working!.leave();
    told!.leave();
    await settle();
    expect(drained.leftovers).toEqual([]);
    clock.assertNoTimerLeft();
  });

  it('names and cuts everyone who is left at the deadline, once', async () => {
    const clients = connect(3);
    server.areSilent = true;
    const each = drainable({ closeTimeoutMs: 500 });
    const running = message(clients[0]!);
    running.run();
    each.announce(0);
    await beginDrain(each);
    const drained = watch(each.drain(deadline.signal));
    await settle();
    await clock.advance(400);
    connect(1);
    deadline.abort();
    await settle();
    expect(drained.leftovers).toEqual([]);
    expect(await each.forceClose()).toHaveLength(4);
    expect(clients.every(({ isTerminated }) => isTerminated)).toBe(true);
    expect(await each.forceClose()).toEqual([]);
    await clock.advance(10_000);
    running.ran();
    clock.assertNoTimerLeft();
  });
});
