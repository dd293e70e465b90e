import { describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../../src/options/resolve-options.js';
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

  it('refuses options that the module would refuse, and a time of hooks that is none', () => {
    const invalid = expect.objectContaining({ code: 'DRAIN_INVALID_OPTION' });
    expect(() => shutdownBudget(-1)).toThrow(invalid);
    expect(() => shutdownBudget({}, NaN)).toThrow(invalid);
  });
});

describe('budgetWarning', () => {
  const advice =
    'The lame duck and the drain will be cut short to fit. Shorten them, or raise gracePeriodMs together with the platform (Kubernetes: terminationGracePeriodSeconds).';

  it('is silent about the defaults', () => {
    expect(budgetWarning(resolveOptions())).toBeUndefined();
  });

  it('is silent when the parts just fit, and prints the sum when they exceed the grace period by one', () => {
    const options = resolveOptions({ gracePeriodMs: 26_000 });
    expect(budgetWarning(options, 5_000)).toBeUndefined();
    expect(budgetWarning(options, 5_001)).toBe(
      `The parts of the shutdown exceed gracePeriodMs: lameDuck.maxMs (auto) 10000 + drainTimeoutMs 10000 + hooks 5001 + margin 1000 = 26001 ms > 26000 ms. ${advice}`,
    );
  });

  it('takes the window that is given', () => {
    const options = resolveOptions({ drainTimeoutMs: 20_000, lameDuck: { maxMs: 15_000 } });
    expect(budgetWarning(options)).toBe(
      `The parts of the shutdown exceed gracePeriodMs: lameDuck.maxMs 15000 + drainTimeoutMs 20000 + hooks 0 + margin 1000 = 36000 ms > 30000 ms. ${advice}`,
    );
  });

  it('leaves a lame duck out that is off', () => {
    expect(budgetWarning(resolveOptions({ drainTimeoutMs: 29_000, lameDuck: false }))).toBeUndefined();
    expect(budgetWarning(resolveOptions({ drainTimeoutMs: 29_001, lameDuck: false }))).toContain(
      '= 30001 ms > 30000 ms',
    );
  });
});
