import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  addUp,
  type GracePeriod,
  Deadlines,
  hardStopAfterMs,
  lameDuckMinMsFor,
  scaled,
} from '../../../src/sequence/budget.js';
import { type HookPhase } from '../../../src/sequence/hooks.js';
import { FakeClock } from '../../support/fake-clock.js';

const given = (ms: number) => ({ ms, source: 'the option', isAssumed: false });
const assumed = (ms: number) => ({ ms, source: 'the platform', isAssumed: true });

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
    expect(hardStopAfterMs(given(30_000))).toBe(29_000);
    expect(hardStopAfterMs(given(1_001))).toBe(1);
    expect(hardStopAfterMs(assumed(30_000))).toBe(29_000);
    expect(hardStopAfterMs(assumed(5_000))).toBe(4_000);
  });

  it('takes a fifth of a grace period that is assumed, and shorter than five seconds', () => {
    expect(hardStopAfterMs(assumed(1_600))).toBe(1_280);
  });
});

describe('scaled', () => {
  const parts = { lameDuckMs: 5_000, drainMs: 10_000, hooksMs: 5_000 };

  it('leaves the parts as they are where they fit', () => {
    expect(scaled(parts, 20_000)).toEqual(parts);
    expect(scaled({ lameDuckMs: 0, drainMs: 0, hooksMs: 0 }, 0)).toEqual({ lameDuckMs: 0, drainMs: 0, hooksMs: 0 });
  });

  it('gives each the same part of what it was to have', () => {
    expect(scaled(parts, 9_000)).toEqual({ lameDuckMs: 2_250, drainMs: 4_500, hooksMs: 2_250 });
    expect(scaled(parts, 4_000)).toEqual({ lameDuckMs: 1_000, drainMs: 2_000, hooksMs: 1_000 });
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
  let lameDuckHooksMs: number;
  beforeEach(() => {
    clock = new FakeClock();
    hooksMs = 0;
    lameDuckHooksMs = 0;
  });
  const begun = (drainTimeoutMs: number, gracePeriod: number | GracePeriod): Deadlines => {
    const grace = typeof gracePeriod === 'number' ? given(gracePeriod) : gracePeriod;
    const longestMs = (phase: HookPhase) => (phase === 'lame-duck' ? lameDuckHooksMs : hooksMs);
    const deadlines = new Deadlines(clock, { drainTimeoutMs, gracePeriod: () => grace }, longestMs);
    deadlines.begin();
    return deadlines;
  };
  const asked = { minMs: 1_000, quietMs: 500, maxMs: 9_000, awaitsProbe: true };

  it('leave an endless time before the shutdown has begun', () => {
    const deadlines = new Deadlines(clock, { drainTimeoutMs: 10_000, gracePeriod: () => given(30_000) }, () => 0);
    expect(deadlines.remainingMs).toBe(Infinity);
  });

  it('put the hard stop one second before the end of the grace period, counted from now', async () => {
    await clock.advance(500);
    expect(begun(10_000, 30_000).hardStopAt).toBe(29_500);
  });

  it('count from the signal where one came before', async () => {
    await clock.advance(8_000);
    expect(begun(10_000, { ...given(30_000), since: 0 }).hardStopAt).toBe(29_000);
  });

  it('count from now where the grace period of a signal is over, and nobody has killed the process', async () => {
    await clock.advance(30_000);
    expect(begun(10_000, { ...given(30_000), since: 0 }).hardStopAt).toBe(29_000);
    await clock.advance(1);
    expect(begun(10_000, { ...given(30_000), since: 0 }).hardStopAt).toBe(59_001);
  });

  it('scale nothing to less than no time, where the hard stop has passed', async () => {
    hooksMs = 5_000;
    await clock.advance(9_500);
    const deadlines = begun(10_000, { ...assumed(10_000), since: 0 });
    expect(deadlines.fit(asked)).toMatchObject({ minMs: 0, maxMs: 0 });
    expect(deadlines.hooksBeginAt).toBe(9_000);
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

  it('scale lame duck, drain and hooks to a grace period that is assumed: ten seconds of Cloud Run', async () => {
    hooksMs = 5_000;
    const deadlines = begun(10_000, assumed(10_000));
    const window = { minMs: 5_000, quietMs: 1_000, maxMs: 10_000, awaitsProbe: false };
    expect(deadlines.fit(window)).toEqual({ ...window, minMs: 2_250, maxMs: 2_250 });
    expect(deadlines.hooksBeginAt).toBe(6_750);
    await clock.advance(2_250);
    deadlines.beginDrain();
    expect(deadlines.drainEndsAt).toBe(6_750);
  });

  it('leave the drain what a lame duck that ended early did not need', async () => {
    const deadlines = begun(10_000, assumed(5_000));
    expect(deadlines.fit({ ...asked, minMs: 5_000 })).toMatchObject({ minMs: 1_333, maxMs: 1_333 });
    await clock.advance(500);
    deadlines.beginDrain();
    expect(deadlines.drainEndsAt).toBe(4_000);
  });

  it('shorten nothing but the wait for quiet where the least of a lame duck fits', () => {
    const window = { minMs: 5_000, quietMs: 1_000, maxMs: 10_000, awaitsProbe: false };
    expect(begun(10_000, assumed(30_000)).fit(window)).toEqual(window);
    expect(begun(10_000, assumed(20_000)).fit(window)).toEqual({ ...window, maxMs: 9_000 });
  });

  it('leave clients of a shared socket half of what the hooks leave, for work goes on while they are told', () => {
    const clientsGone = async () => undefined;
    const window = { minMs: 500, quietMs: 0, maxMs: 6_500, awaitsProbe: false, clientsGone };
    const deadlines = begun(10_000, assumed(1_600));
    expect(deadlines.fit(window)).toEqual({ ...window, minMs: 500, maxMs: 640 });
    hooksMs = 5_000;
    expect(begun(10_000, assumed(1_600)).fit(window)).toEqual({ ...window, minMs: 434, maxMs: 434 });
    // There is room for all.
    expect(begun(10_000, assumed(30_000)).fit(window)).toEqual(window);
  });

  const none = { minMs: 0, quietMs: 0, maxMs: 0, awaitsProbe: false };

  it('let hooks hold the lame duck for all the time that the drain and the hooks of releasing leave', () => {
    [hooksMs, lameDuckHooksMs] = [5_000, 5_000];
    const deadlines = begun(10_000, 30_000);
    deadlines.fit(none);
    expect(deadlines.lameDuckEndsAt).toBe(14_000);
  });

  it('let hooks hold the lame duck no longer than leaves the drain its part', () => {
    lameDuckHooksMs = 5_000;
    for (const grace of [given(5_000), assumed(5_000)]) {
      const deadlines = begun(10_000, grace);
      expect(deadlines.fit(none)).toEqual(none);
      expect(deadlines.lameDuckEndsAt).toBe(1_333);
    }
  });

  it('count the hooks of a lame duck when all is scaled', () => {
    [hooksMs, lameDuckHooksMs] = [5_000, 5_000];
    const deadlines = begun(10_000, assumed(5_000));
    deadlines.fit(none);
    expect(deadlines.lameDuckEndsAt).toBe(1_000);
    expect(deadlines.hooksBeginAt).toBe(3_000);
  });

  it('share what PM2 grants when nothing is configured among drain and hooks, without a lame duck', () => {
    hooksMs = 5_000;
    const deadlines = begun(10_000, assumed(1_600));
    deadlines.fit(none);
    deadlines.beginDrain();
    expect(deadlines.hardStopAt).toBe(1_280);
    expect(deadlines.drainEndsAt).toBe(854);
  });
});
