import { describe, expect, it } from '@jest/globals';
import { checkDurationMs, overdueAfter, sleep, within } from '../../../src/drill/timing.js';

describe('checkDurationMs', () => {
  it('lets pass what a timer can keep', () => {
    expect(checkDurationMs('graceMs', 0)).toBe(0);
    expect(checkDurationMs('graceMs', 2 ** 31 - 1)).toBe(2 ** 31 - 1);
  });

  // A Node timer of any of these fires at once.
  it.each([-1, NaN, Infinity, 2 ** 31])('refuses %p and names the option', (value) => {
    expect(() => checkDurationMs('graceMs', value)).toThrow(/^graceMs must be between/);
  });
});

describe('sleep', () => {
  it('ends early, without an error, when the signal aborts', async () => {
    const signal = new AbortController();
    const slept = sleep(2 ** 31 - 1, signal.signal);
    signal.abort();
    await expect(slept).resolves.toBeUndefined();
  });
});

describe('overdueAfter', () => {
  it('aborts when its time is up, and sockets have been read since', async () => {
    const overdue = overdueAfter(10);
    const aborted = new Promise((resolve) => overdue.addEventListener('abort', resolve));
    // It fires behind that of the signal, in the same turn, and before any socket is read.
    const behind = new Promise((resolve) => setTimeout(resolve, 10));
    for (const until = performance.now() + 30; performance.now() < until;);
    await behind;
    expect(overdue.aborted).toBe(false);
    await aborted;
  });
});

describe('within', () => {
  it('settles as the work does', async () => {
    await expect(within(60_000, 'It', Promise.resolve('done'))).resolves.toBe('done');
    await expect(within(60_000, 'It', Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  it('says what did not happen', async () => {
    await expect(within(1, 'Readiness of a', new Promise(() => undefined))).rejects.toThrow(
      'Readiness of a did not happen within 1 ms.',
    );
  });
});
