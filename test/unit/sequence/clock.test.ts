import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, delay, settledWithin, systemClock } from '../../../src/sequence/clock.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { never } from './sequence-under-test.js';

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});
afterEach(() => clock.assertNoTimerLeft());

/** Resolves with what `promise` has come to by now, without waiting for it. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  await settle();
  return Promise.race([promise, Promise.resolve('pending')]);
}

/** Counts the listeners that are left on a signal. */
function counted(signal: AbortSignal): { readonly left: number } {
  let left = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (left++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (left--, remove(...args));
  return {
    get left() {
      return left;
    },
  };
}

describe('delay', () => {
  it('resolves after its time and not before', async () => {
    const delayed = delay(clock, 100);
    await clock.advance(99);
    expect(await stateOf(delayed)).toBe('pending');
    await clock.advance(1);
    expect(await stateOf(delayed)).toBeUndefined();
  });

  it('ends early when its signal aborts, and leaves no timer', async () => {
    const over = new AbortController();
    const delayed = delay(clock, 100, over.signal);
    over.abort();
    clock.assertNoTimerLeft();
    await expect(delayed).resolves.toBeUndefined();
  });

  it('arms no timer when its signal has aborted before', async () => {
    const delayed = delay(clock, 100, AbortSignal.abort());
    clock.assertNoTimerLeft();
    await expect(delayed).resolves.toBeUndefined();
  });

  it('leaves no listener on its signal', async () => {
    const { signal } = new AbortController();
    const listeners = counted(signal);
    const delayed = delay(clock, 100, signal);
    expect(listeners.left).toBe(1);
    await clock.advance(100);
    await delayed;
    expect(listeners.left).toBe(0);
  });
});

describe('settledWithin', () => {
  it('reports true when the work ends in time', async () => {
    expect(await settledWithin(clock, Promise.resolve(), 100)).toBe(true);
  });

  it('reports true, and does not reject, when the work rejects in time', async () => {
    expect(await settledWithin(clock, Promise.reject(new Error('broken')), 100)).toBe(true);
  });

  it('reports false when the time is over first', async () => {
    const within = settledWithin(clock, never(), 100);
    await clock.advance(99);
    expect(await stateOf(within)).toBe('pending');
    await clock.advance(1);
    expect(await stateOf(within)).toBe(false);
  });

  it('hears what came while the process stood still before the time is over', async () => {
    let stoodStillMs = 0;
    const now = () => clock.now() + stoodStillMs;
    const late: Clock = { now, date: () => clock.date(), after: clock.after.bind(clock) };
    let end = (): void => undefined;
    const within = settledWithin(late, new Promise<void>((resolve) => (end = resolve)), 100);
    stoodStillMs = 3_000;
    const woken = clock.advance(100);
    // A turn to accept its connection, and one to read what it brings.
    setImmediate(() => setImmediate(end));
    await woken;
    expect(await within).toBe(true);
  });

  it('reports false when its signal aborts first', async () => {
    const over = new AbortController();
    const within = settledWithin(clock, never(), 100, over.signal);
    over.abort();
    expect(await stateOf(within)).toBe(false);
  });

  it('does not wait when its signal has aborted before', async () => {
    expect(await stateOf(settledWithin(clock, never(), 100, AbortSignal.abort()))).toBe(false);
  });

  it('leaves no listener on its signal', async () => {
    const { signal } = new AbortController();
    const listeners = counted(signal);
    await settledWithin(clock, Promise.resolve(), 100, signal);
    expect(listeners.left).toBe(0);
  });

  it('takes work that ends in the very turn as settled, even with no time at all', async () => {
    expect(await settledWithin(clock, Promise.resolve(), 0)).toBe(true);
  });
});

describe('systemClock', () => {
  it('fires once its time has passed, for a negative time too', async () => {
    const startedAt = systemClock.now();
    await new Promise<void>((resolve) => systemClock.after(-1_000, resolve));
    expect(systemClock.now()).toBeGreaterThanOrEqual(startedAt);
  });

  it('does not fire a timer that was cancelled', async () => {
    const fired = await new Promise((resolve) => {
      systemClock.after(0, () => resolve('cancelled one')).cancel();
      systemClock.after(1, () => resolve('the other'));
    });
    expect(fired).toBe('the other');
  });

  it('tells the calendar time', () => {
    expect(systemClock.date()).toBeInstanceOf(Date);
    expect(Math.abs(systemClock.date().getTime() - Date.now())).toBeLessThan(60_000);
  });
});
