import { describe, expect, it } from '@jest/globals';
import { Progress } from '../../../../src/drainables/shared/progress.js';

const settled = async (promise: Promise<void>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);

describe('Progress', () => {
  it('resolves at once when it is done already', async () => {
    await new Progress().until(() => true, new AbortController().signal);
  });

  it('looks again whenever something has moved, and at nothing else', async () => {
    const progress = new Progress();
    let left = 2;
    const done = progress.until(() => left === 0, new AbortController().signal);
    left--;
    progress.made();
    expect(await settled(done)).toBe(false);
    left--;
    expect(await settled(done)).toBe(false);
    progress.made();
    expect(await settled(done)).toBe(true);
  });

  it('resolves at the deadline, and leaves no listener there', async () => {
    const deadline = new AbortController();
    const done = new Progress().until(() => false, deadline.signal);
    expect(await settled(done)).toBe(false);
    deadline.abort();
    expect(await settled(done)).toBe(true);
  });
});
