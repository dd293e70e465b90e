import { beforeEach, describe, expect, it } from '@jest/globals';
import { addUp, Deadlines, hardStopAfterMs, lameDuckMinMsFor } from '../../../src/sequence/budget.js';
import { FakeClock } from '../../support/fake-clock.js';

const terms = { lameDuckMinMs: 1_000, lameDuckMaxMs: 5_000, drainMs: 10_000, hooksMs: 3_000, gracePeriodMs: 19_000 };

describe('addUp', () => {
  it('adds the longest lame duck, the drain, the hooks and the margin of a second', () => {
    expect(addUp(terms)).toEqual({ ...terms, marginMs: 1_000, neededMs: 19_000, fits: true });
  });

  it('says that the parts do not fit when they exceed the grace period by one', () => {
    expect(addUp({ ...terms, hooksMs: 3_001 })).toMatchObject({ neededMs: 19_001, fits: false });
  });
});

describe('hardStopAfterMs', () => {
  it('is one second before SIGKILL', () => {
    expect(hardStopAfterMs(30_000)).toBe(29_000);
  });
});

describe('lameDuckMinMsFor', () => {
  it.each([
    [0, 1_000],
    [1, 1_500],
    [500, 1_500],
    [501, 2_000],
  ])('rounds a lag of %p ms up to half a second and adds a second: %p ms', (lagMs, expected) => {
    expect(lameDuckMinMsFor(lagMs)).toBe(expected);
  });
});

describe('Deadlines', () => {
  let clock: FakeClock;
  let hooksMs: number;
  beforeEach(() => {
    clock = new FakeClock();
    hooksMs = 0;
  });
  const begun = (drainTimeoutMs: number, gracePeriodMs: number): Deadlines => {
    const deadlines = new Deadlines(clock, { drainTimeoutMs, gracePeriodMs }, () => hooksMs);
    deadlines.begin();
    return deadlines;
  };
  const asked = { minMs: 1_000, quietMs: 500, maxMs: 9_000, awaitsProbe: true };

  it('leave an endless time before the shutdown has begun', () => {
    const deadlines = new Deadlines(clock, { drainTimeoutMs: 10_000, gracePeriodMs: 30_000 }, () => 0);
    expect(deadlines.remainingMs).toBe(Infinity);
  });

  it('put the hard stop one second before the end of the grace period, counted from now', async () => {
    await clock.advance(500);
    expect(begun(10_000, 30_000).hardStopAt).toBe(29_500);
  });

  it('put the drain deadline drainTimeoutMs after the start of draining', async () => {
    const deadlines = begun(10_000, 30_000);
    await clock.advance(2_000);
    deadlines.beginDrain();
    expect(deadlines.drainEndsAt).toBe(12_000);
  });

  it('put the drain deadline no later than the hard stop less what the hooks need, as they stand then', async () => {
    const deadlines = begun(10_000, 16_000);
    hooksMs = 5_001;
    deadlines.beginDrain();
    expect(deadlines.drainEndsAt).toBe(9_999);
    expect(deadlines.hooksBeginAt).toBe(9_999);
  });

  it('count down to the hard stop, then to the drain deadline, and never below 0', async () => {
    const deadlines = begun(4_000, 11_000);
    await clock.advance(1_000);
    expect(deadlines.remainingMs).toBe(9_000);
    deadlines.beginDrain();
    expect(deadlines.remainingMs).toBe(4_000);
    await clock.advance(5_000);
    expect(deadlines.remainingMs).toBe(0);
  });

  it('leave a lame duck that fits as it was asked for', () => {
    expect(begun(10_000, 30_000).fit(asked)).toEqual(asked);
  });

  it('cut the longest lame duck to what the drain and the hooks leave', () => {
    hooksMs = 2_000;
    expect(begun(10_000, 18_000).fit(asked)).toEqual({ ...asked, maxMs: 5_000 });
  });

  it('keep the least of the lame duck at the cost of the drain', () => {
    expect(begun(10_000, 6_000).fit(asked)).toEqual({ ...asked, maxMs: 1_000 });
  });

  it('never let the lame duck take time from the hooks', () => {
    hooksMs = 4_500;
    expect(begun(10_000, 6_000).fit(asked)).toMatchObject({ minMs: 500, maxMs: 500 });
    hooksMs = 60_000;
    expect(begun(10_000, 6_000).fit(asked)).toMatchObject({ minMs: 0, maxMs: 0 });
  });
});
