import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { EventEmitterDrainable } from '../../../../../src/drainables/jobs/events/event-emitter-drainable.js';
import { Gate } from '../../../../support/gate.js';
import { counting } from '../counting.js';

/** Nothing is said of promises in the type of a listener. */
const silent = (listener: (...values: unknown[]) => unknown): (() => void) => listener;

describe('The drainable of event emitters', () => {
  let emitter: EventEmitter2;
  let counted: ReturnType<typeof counting>;
  let drainable: EventEmitterDrainable;
  let gate: Gate;

  beforeEach(() => {
    emitter = new EventEmitter2();
    counted = counting();
    drainable = new EventEmitterDrainable(counted.calls);
    drainable.meet(emitter);
    gate = new Gate();
  });

  const pass = silent(() => gate.pass());
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it.each(['on', 'addListener', 'prependListener'] as const)(
    'counts a listener that is added by %s until its promise has settled',
    async (method) => {
      emitter[method]('order.placed', pass);
      emitter.emit('order.placed');
      expect(counted.inFlight()).toEqual(['event order.placed']);
      gate.release();
      await turn();
      expect(counted.inFlight()).toEqual([]);
    },
  );

  it('counts a listener that throws, and lets the error through', () => {
    emitter.on('order.placed', () => {
      throw new Error('no stock');
    });
    expect(() => emitter.emit('order.placed')).toThrow('no stock');
    expect(counted.inFlight()).toEqual([]);
  });

  it('has drained when what was emitted before has reached its listeners', async () => {
    emitter.on('order.placed', pass, { async: true });
    emitter.emit('order.placed');
    expect(counted.inFlight()).toEqual([]);
    await drainable.drain();
    expect(counted.inFlight()).toEqual(['event order.placed']);
    gate.release();
  });

  it.each([{ async: true }, { nextTick: true }, { promisify: true }, true, false])(
    'holds the drain from when an event is emitted in it until its listeners have been called, added with %j',
    async (options) => {
      const inFlightWithin: string[][] = [];
      const listener = silent(() => {
        inFlightWithin.push(counted.inFlight());
        return gate.pass();
      });
      emitter.on('order.placed', listener, options);
      await drainable.drain();
      emitter.emit('order.placed');
      expect(counted.inFlight()).toContain('event order.placed');
      await turn();
      await turn();
      await turn();
      // It was held until the listener was counted by itself.
      expect(inFlightWithin).toEqual([['event order.placed', 'event order.placed']]);
      expect(counted.inFlight()).toEqual(['event order.placed']);
      gate.release();
      await turn();
      expect(counted.inFlight()).toEqual([]);
    },
  );

  it('holds it for events that are emitted by emitAsync() as well, by the parts of their names', async () => {
    emitter.on('order.placed', () => undefined, { async: true });
    await drainable.drain();
    void emitter.emitAsync(['order', 'placed']);
    expect(counted.inFlight()).toEqual(['event order.placed']);
    await turn();
    await turn();
    expect(counted.inFlight()).toEqual([]);
  });

  it('holds nothing for an event whose listeners are called at once', async () => {
    emitter.on('order.placed', () => undefined);
    await drainable.drain();
    emitter.emit('order.placed');
    expect(counted.inFlight()).toEqual([]);
  });
});

describe('An emitter that is met, while nothing is stopped', () => {
  let emitter: EventEmitter2;
  let plain: EventEmitter2;

  beforeEach(() => {
    plain = new EventEmitter2({ wildcard: true });
    emitter = new EventEmitter2({ wildcard: true });
    new EventEmitterDrainable(counting().calls).meet(emitter);
  });

  it('takes listeners off by themselves', () => {
    const listener = jest.fn();
    for (const options of [undefined, { async: true }, { objectify: true }]) {
      emitter.on('a', listener, options);
      emitter.off('a', listener);
    }
    emitter.on('a', listener);
    emitter.removeListener('a', listener);
    emitter.emit('a');
    expect(listener).not.toHaveBeenCalled();
    expect(emitter.listenerCount('a')).toBe(0);
  });

  it('lists the listeners that were added', () => {
    const listener = () => undefined;
    emitter.on('a', listener);
    expect(emitter.listeners('a')).toEqual([listener]);
    expect(emitter.listeners('a')[0]).toBe(listener);
  });

  it('hands on values, this, the name of the event, and what listeners return', async () => {
    const seen: unknown[] = [];
    for (const each of [plain, emitter]) {
      const listener = function (this: { event: string }, ...values: unknown[]) {
        seen.push([this === (each as unknown), this.event, ...values]);
        return Promise.resolve('returned');
      };
      each.on('a.*', silent(listener));
      expect(await each.emitAsync('a.b', 1, 2)).toEqual(['returned']);
    }
    expect(seen).toEqual([
      [true, 'a.b', 1, 2],
      [true, 'a.b', 1, 2],
    ]);
  });

  it('knows an asynchronous listener as such', async () => {
    for (const each of [plain, emitter]) {
      each.on(
        'a',
        silent(async () => 'returned'),
        { async: true },
      );
      expect(await each.emitAsync('a')).toEqual(['returned']);
    }
  });

  it('never asks a query for its result', () => {
    const then = jest.fn();
    emitter.on('a', () => ({ then }));
    emitter.emit('a');
    expect(then).not.toHaveBeenCalled();
  });

  it('takes listeners of all events, and refuses what is no listener, as others do', () => {
    const all = jest.fn();
    (emitter.onAny as (listener: unknown) => void)(all);
    emitter.emit('a');
    expect(all).toHaveBeenCalledTimes(1);
    expect(() => emitter.on('a', 'no function' as never)).toThrow('on only accepts instances of Function');
  });
});
