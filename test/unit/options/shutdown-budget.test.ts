import { describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { type GracePeriod } from '../../../src/sequence/budget.js';
import { budgetWarning, shutdownBudget } from '../../../src/options/shutdown-budget.js';

describe('shutdownBudget', () => {
  it('adds up the defaults', () => {
    expect(shutdownBudget()).toEqual({
      options: resolveOptions(),
      lameDuckMinMs: 5_000,
      lameDuckMaxMs: 10_000,
      drainMs: 10_000,
      hooksMs: 0,
      marginMs: 1_000,
      gracePeriodMs: 30_000,
      neededMs: 21_000,
      fits: true,
    });
  });

  it('takes a number as the drain timeout, and the time of the hooks beside it', () => {
    expect(shutdownBudget(14_000, 5_000)).toMatchObject({
      drainMs: 14_000,
      hooksMs: 5_000,
      neededMs: 30_000,
      fits: true,
    });
    expect(shutdownBudget(14_000, 5_001)).toMatchObject({ neededMs: 30_001, fits: false });
  });

  it('leaves a lame duck out that is off, and takes the window that is given', () => {
    expect(shutdownBudget({ lameDuck: false })).toMatchObject({ lameDuckMinMs: 0, lameDuckMaxMs: 0, neededMs: 11_000 });
    expect(shutdownBudget({ lameDuck: { minMs: 2_000, maxMs: 3_000 } })).toMatchObject({
      lameDuckMinMs: 2_000,
      lameDuckMaxMs: 3_000,
      neededMs: 14_000,
    });
  });

  it('looks at no platform: what nobody gives counts as the 30 s that most grant', () => {
    const { K_SERVICE } = process.env;
    process.env.K_SERVICE = 'orders';
    try {
      expect(shutdownBudget({ gracePeriodMs: 'auto' })).toEqual(shutdownBudget());
      expect(shutdownBudget()).toMatchObject({ gracePeriodMs: 30_000, options: { gracePeriodMs: 'auto' } });
    } finally {
      if (K_SERVICE === undefined) delete process.env.K_SERVICE;
    }
  });

  it('refuses options that the module would refuse, and a time of hooks that is none', () => {
    const invalid = expect.objectContaining({ code: 'DRAIN_INVALID_OPTION' });
    expect(() => shutdownBudget(-1)).toThrow(invalid);
    expect(() => shutdownBudget({}, NaN)).toThrow(invalid);
  });
});

describe('budgetWarning', () => {
  const given = (ms: number): GracePeriod => ({ ms, source: 'the option gracePeriodMs', isAssumed: false });
  const assumed = (ms: number): GracePeriod => ({ ms, source: 'Google Cloud Run (K_SERVICE is set)', isAssumed: true });
  const advice =
    'The lame duck and the drain will be cut short to fit. Shorten them, or raise gracePeriodMs together with the platform (Kubernetes: terminationGracePeriodSeconds).';

  it('is silent about the defaults', () => {
    expect(budgetWarning(resolveOptions(), given(30_000))).toBeUndefined();
    expect(budgetWarning(resolveOptions(), assumed(30_000))).toBeUndefined();
  });

  it('is silent when the parts just fit, and prints the sum when they exceed the grace period by one', () => {
    const options = resolveOptions({ gracePeriodMs: 26_000 });
    expect(budgetWarning(options, given(26_000), { releasing: 5_000 })).toBeUndefined();
    expect(budgetWarning(options, given(26_000), { releasing: 5_001 })).toBe(
      `The parts of the shutdown exceed gracePeriodMs: lameDuck.maxMs (auto) 10000 + drainTimeoutMs 10000 + hooks 5001 + margin 1000 = 26001 ms > 26000 ms. ${advice}`,
    );
  });

  it('takes the window that is given', () => {
    const options = resolveOptions({ drainTimeoutMs: 20_000, lameDuck: { maxMs: 15_000 } });
    expect(budgetWarning(options, given(30_000))).toBe(
      `The parts of the shutdown exceed gracePeriodMs: lameDuck.maxMs 15000 + drainTimeoutMs 20000 + hooks 0 + margin 1000 = 36000 ms > 30000 ms. ${advice}`,
    );
  });

  it('leaves a lame duck out that is off', () => {
    const without = (drainTimeoutMs: number) =>
      budgetWarning(resolveOptions({ drainTimeoutMs, lameDuck: false }), given(30_000));
    expect(without(29_000)).toBeUndefined();
    expect(without(29_001)).toContain('= 30001 ms > 30000 ms');
  });

  it('counts hooks that hold the lame duck beyond its time', () => {
    const options = resolveOptions({ lameDuck: false });
    expect(budgetWarning(options, given(16_000), { lameDuck: 5_000 })).toBeUndefined();
    expect(budgetWarning(options, given(15_999), { lameDuck: 5_000 })).toBe(
      `The parts of the shutdown exceed gracePeriodMs: hooks of lame-duck 5000 + drainTimeoutMs 10000 + hooks 0 + margin 1000 = 16000 ms > 15999 ms. ${advice}`,
    );
    expect(budgetWarning(options, assumed(5_000), { lameDuck: 5_000 })).toContain('lame duck 1333, drain 2666');
    expect(budgetWarning(resolveOptions(), given(21_000), { lameDuck: 10_000 })).toBeUndefined();
  });

  it('says how the parts are scaled to what a platform grants', () => {
    expect(budgetWarning(resolveOptions(), assumed(10_000), { releasing: 5_000 })).toBe(
      'The parts of the shutdown exceed the 10000 ms of Google Cloud Run (K_SERVICE is set): lameDuck.maxMs (auto) 10000 + drainTimeoutMs 10000 + hooks 5000 + margin 1000 = 26000 ms. They are scaled to fit, to at least: lame duck 2250, drain 4500, hooks 2250 ms. Shorten them, or raise the time of the platform, and say so in gracePeriodMs.',
    );
  });
});
