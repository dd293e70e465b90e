import { beforeEach, describe, expect, it } from '@jest/globals';
import { EMPTY, firstValueFrom, forkJoin, from, mergeMap, Observable, of, Subject, throwError } from 'rxjs';
import {
  countArrivals,
  countMessages,
  nameOfPattern,
} from '../../../../../src/drainables/microservices/shared/message-seam.js';
import { MessageWork } from '../../../../../src/drainables/microservices/shared/message-work.js';
import {
  type MessageCallback,
  type TransportServer,
} from '../../../../../src/drainables/microservices/shared/transport.js';
import { InFlightTracker } from '../../../../../src/in-flight/in-flight-tracker.js';
import { FakeClock } from '../../../../support/fake-clock.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What Nest's servers do with handlers and replies, and nothing else. */
class FakeServer implements TransportServer {
  readonly handlers = new Map<unknown, MessageCallback>();
  readonly logged: unknown[] = [];

  handleError(error: unknown): void {
    this.logged.push(error);
  }

  addHandler(pattern: unknown, callback: MessageCallback): void {
    this.handlers.set(pattern, callback);
  }

  /** It gives the packets to the transport one by one, and goes on where one could not be sent. */
  send(stream: Observable<unknown>, respond: (packet: unknown) => unknown): void {
    const send = (packet: unknown) => {
      try {
        void respond(packet);
      } catch {
        // Nest logs it.
      }
    };
    stream.subscribe({ next: (response) => send({ response }), complete: () => send({ isDisposed: true }) });
  }
}

/** What Nest makes of a listener of an event: it gives the event to the next one, and joins the results of both. */
function listener(listen: (...args: unknown[]) => Promise<unknown>): MessageCallback {
  const streamOf = (result: unknown) =>
    from(result as Promise<unknown>).pipe(mergeMap((value) => (value instanceof Observable ? value : of(value))));
  const own: MessageCallback = async (...args) => {
    const current = listen(...args);
    const { next } = own;
    return next ? forkJoin({ current: streamOf(current), next: streamOf(next(...args)) }) : current;
  };
  return own;
}

describe('A message', () => {
  let tracker: InFlightTracker;
  let work: MessageWork;
  let server: FakeServer;
  let isOver: boolean;
  let refusal: { error: unknown } | undefined;
  let told: string[];

  beforeEach(() => {
    told = [];
    const clock = new FakeClock();
    tracker = new InFlightTracker(clock);
    work = new MessageWork(clock, tracker);
    server = new FakeServer();
    isOver = false;
    refusal = undefined;
    countMessages(server, work, {
      get isOver() {
        return isOver;
      },
      lateCall: () => refusal,
      connectionOf: (context) => ({
        callBegins: () => told.push(`call of ${String(context)} begins`),
        callEnded: () => told.push(`call of ${String(context)} ended`),
      }),
    });
  });

  function handle(callback: MessageCallback, isEvent = false): MessageCallback {
    (server as TransportServer).addHandler!('orders.create', callback, isEvent);
    return server.handlers.get('orders.create')!;
  }

  it('is work until the promise of its handler has settled, and a turn longer', async () => {
    let settle: (value: string) => void = () => undefined;
    const result = handle(() => new Promise((resolve) => (settle = resolve)))() as Promise<string>;
    expect(tracker.leftovers()).toEqual([{ kind: 'rpc', name: 'orders.create', ageMs: 0 }]);
    settle('created');
    expect(await result).toBe('created');
    expect(tracker.size).toBe(1);
    await turn();
    expect(tracker.size).toBe(0);
    expect(work.isIdle).toBe(true);
  });

  it('is work until the stream that its handler returns has ended', async () => {
    const values = new Subject<number>();
    const stream = (await handle(() => Promise.resolve(values))()) as Observable<number>;
    const seen: number[] = [];
    stream.subscribe((value) => seen.push(value));
    await turn();
    values.next(1);
    expect(tracker.size).toBe(1);
    values.complete();
    // Its last answer has been handed to the transport a turn later.
    expect(tracker.size).toBe(1);
    await turn();
    expect(tracker.size).toBe(0);
    expect(seen).toEqual([1]);
  });

  it('ends where nobody takes up its stream', async () => {
    handle(() => new Observable())();
    await turn();
    expect(tracker.size).toBe(0);
  });

  it('ends when its handler throws, and the error is handed on', () => {
    const handler = handle(() => {
      throw new Error('no stock');
    });
    expect(() => handler()).toThrow('no stock');
    expect(tracker.size).toBe(0);
  });

  it('hands a rejection on, and ends', async () => {
    const handler = handle(() => Promise.reject(new Error('no stock')), true);
    await expect(handler()).rejects.toThrow('no stock');
    await turn();
    expect(tracker.size).toBe(0);
  });

  it('of a chain of listeners leads to the next through the function that Nest made', () => {
    const own: MessageCallback = () => undefined;
    const counted = handle(own, true);
    const next = () => undefined;
    counted.next = next;
    // Nest reads the one to call it, and the other to find the end of the chain.
    expect(own.next).toBeInstanceOf(Function);
    expect(counted.next).toBe(next);
  });

  describe('of several listeners', () => {
    let endFirst: (value: unknown) => void;
    let seen: unknown[];

    /** Has an event executed by one that the test ends, and by `next`. */
    async function executed(next: (...args: unknown[]) => Promise<unknown>): Promise<void> {
      seen = [];
      const first = handle(
        listener(() => new Promise((resolve) => (endFirst = resolve))),
        true,
      );
      first.next = handle(listener(next), true);
      ((await first('data', 'context')) as Observable<unknown>).subscribe({
        next: (value) => seen.push(value),
        error: (error: Error) => seen.push(error.message),
        complete: () => seen.push('complete'),
      });
      await turn();
      await turn();
    }

    it.each<[string, () => Promise<unknown>, unknown[]]>([
      ['fails', () => Promise.resolve(throwError(() => new Error('no stock'))), ['no stock']],
      ['rejects', () => Promise.reject(new Error('no stock')), ['no stock']],
      ['ends without a value', () => Promise.resolve(EMPTY), ['complete']],
      ['ends with values', () => Promise.resolve(of(1, 2)), [{ current: 'first', next: 2 }, 'complete']],
      ['ends with undefined', () => Promise.resolve(), [{ current: 'first', next: undefined }, 'complete']],
    ])('is work until the first has ended where the second %s, and ends as it would', async (_, next, outcome) => {
      await executed(next);
      expect(work.isIdle).toBe(false);
      expect(seen).toEqual([]);
      endFirst('first');
      await turn();
      await turn();
      expect(work.isIdle).toBe(true);
      expect(seen).toEqual(outcome);
    });

    it('ends with the failure of the first, and is work until the second has ended', async () => {
      let endSecond: () => void = () => undefined;
      await executed(() => new Promise<void>((resolve) => (endSecond = resolve)));
      endFirst(throwError(() => new Error('no stock')));
      await turn();
      await turn();
      expect(seen).toEqual(['no stock']);
      expect(work.isIdle).toBe(false);
      endSecond();
      await turn();
      await turn();
      expect(work.isIdle).toBe(true);
    });

    it('gives the second what the first was given', async () => {
      const given: unknown[] = [];
      await executed((...args) => Promise.resolve(given.push(...args)));
      expect(given).toEqual(['data', 'context']);
    });
  });

  it('that is refused is not executed', async () => {
    let calls = 0;
    const handler = handle(() => calls++);
    refusal = { error: { code: 'DRAINING' } };
    await expect(firstValueFrom(handler() as Observable<unknown>)).rejects.toEqual({ code: 'DRAINING' });
    expect(calls).toBe(0);
  });

  it('that is an event is not executed when the drain is over: the server logs it, and nothing is thrown', async () => {
    let calls = 0;
    const handler = handle(() => calls++, true);
    isOver = true;
    const tooLate = expect.objectContaining({ code: 'DRAIN_TOO_LATE' });
    await expect(firstValueFrom(handler() as Observable<unknown>)).rejects.toEqual(tooLate);
    expect(server.logged).toEqual([tooLate]);
    expect(calls).toBe(0);
  });

  it('that is a call is refused as such when the drain is over: nothing is logged', async () => {
    const handler = handle(() => 'executed');
    isOver = true;
    refusal = { error: { code: 'DRAINING' } };
    await expect(firstValueFrom(handler() as Observable<unknown>)).rejects.toEqual({ code: 'DRAINING' });
    expect(server.logged).toEqual([]);
  });

  it('that is an event is executed while calls are refused', () => {
    const handler = handle(() => 'executed', true);
    refusal = { error: { code: 'DRAINING' } };
    expect(handler()).toBe('executed');
  });

  it('that is a call keeps the connection that it came by from being closed, and an event does not', async () => {
    handle(() => undefined)({}, 'one connection');
    handle(() => undefined, true)({}, 'another');
    expect(told).toEqual(['call of one connection begins']);
    await turn();
    expect(told).toEqual(['call of one connection begins', 'call of one connection ended']);
  });

  it('has a reply that is on its way until its last packet has been taken', async () => {
    const taken: (() => void)[] = [];
    const values = new Subject<string>();
    (server as TransportServer).send!(values, () => new Promise<void>((resolve) => taken.push(resolve)));
    values.next('a');
    values.complete();
    await turn();
    expect(taken).toHaveLength(2);
    taken[0]!();
    await turn();
    expect(work.isIdle).toBe(false);
    taken[1]!();
    await turn();
    await turn();
    expect(work.isIdle).toBe(true);
  });

  it('has a reply that ends though the transport did not take it', async () => {
    const values = new Subject<string>();
    (server as TransportServer).send!(values, () => {
      throw new Error('disconnected');
    });
    expect(() => values.complete()).not.toThrow();
    await turn();
    await turn();
    expect(work.isIdle).toBe(true);
  });

  it.each([
    ['settled', (promise: Promise<string>) => promise],
    ['failed', (promise: Promise<string>) => promise.then(() => Promise.reject(new Error('unreadable')))],
  ])('is work from its arrival on, until what Nest does with it has %s', async (_, outcome) => {
    let read: (value: string) => void = () => undefined;
    const seen: unknown[] = [];
    const reading: TransportServer = {
      handleMessage(...args) {
        seen.push(this, ...args);
        return outcome(new Promise((resolve) => (read = resolve)));
      },
    };
    countArrivals(reading, work);
    const handled = reading.handleMessage!('orders.create', 'raw') as Promise<string>;
    expect(seen).toEqual([reading, 'orders.create', 'raw']);
    expect(work.isIdle).toBe(false);
    read('done');
    await handled.catch(() => undefined);
    await turn();
    expect(work.isIdle).toBe(true);
  });

  it.each(['Nest’s own deserializer', 'a hook that Nest calls before the handler'])(
    'is work from its arrival on where there is %s',
    async (what) => {
      class IncomingRequestDeserializer {}
      let end: () => void = () => undefined;
      const handling = new Promise<void>((resolve) => (end = resolve));
      const reading = {
        deserializer: new IncomingRequestDeserializer(),
        onProcessingStartHook: () => undefined,
        handleMessage: () => handling,
      };
      countArrivals(reading, work);
      const isHooked = what.startsWith('a hook');
      if (isHooked) reading.onProcessingStartHook = () => undefined;
      expect(reading.handleMessage()).toBeInstanceOf(Promise);
      expect(work.isIdle).toBe(false);
      await turn();
      // Without a hook the handler has been called by now, and counts for itself.
      expect(work.isIdle).toBe(!isHooked);
      end();
      await turn();
      await turn();
      expect(work.isIdle).toBe(true);
    },
  );

  it.each([
    ['orders.create', 'orders.create'],
    [{ cmd: 'create' }, '{"cmd":"create"}'],
    [/^orders\./, '/^orders\\./'],
    ['{"service":"Orders","rpc":"Create","streaming":"no_stream"}', 'Orders/Create'],
    ['{not json', '{not json'],
  ])('is named by its pattern: %j', (pattern, name) => {
    expect(nameOfPattern(pattern)).toBe(name);
  });
});
