import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Serving } from '../../../src/nest/serving.js';
import { FakeClock } from '../../support/fake-clock.js';

let clock: FakeClock;
let serves: jest.Mock<() => void>;
let serving: Serving;

beforeEach(() => {
  clock = new FakeClock();
  serves = jest.fn();
  serving = new Serving(clock, serves);
});

describe('Serving', () => {
  it("begins when Nest's own server listens, once", async () => {
    serving.otherListens();
    serving.started();
    serving.begin();
    expect(serves).toHaveBeenCalledTimes(1);
    serving.begin();
    serving.otherListens();
    await clock.advance(10_000);
    expect(serves).toHaveBeenCalledTimes(1);
    clock.assertNoTimerLeft();
  });

  it.each([
    ['before the application has started', ['otherListens', 'started']],
    ['after it has started', ['started', 'otherListens']],
  ] as const)('begins a moment after other servers listen: %s', async (_when, [first, second]) => {
    serving[first]();
    await clock.advance(10_000);
    serving[second]();
    expect(clock.holdsProcess).toBe(false);
    await clock.advance(999);
    expect(serves).not.toHaveBeenCalled();
    await clock.advance(1);
    serving.begin();
    expect(serves).toHaveBeenCalledTimes(1);
  });
});
