import { beforeEach, describe, expect, it } from '@jest/globals';
import { Spread } from '../../../../src/drainables/shared/spread.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { StallingClock } from './stalling-clock.js';

describe('Spread', () => {
  let clock: FakeClock;
  let turns: { item: number; at: number }[];
  beforeEach(() => {
    clock = new FakeClock();
    turns = [];
  });

  function spread(random?: () => number): Spread<number> {
    return new Spread<number>(clock, (item) => turns.push({ item, at: clock.now() }), random);
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

  it('gives every item one turn within the span, none of it much fuller than another', async () => {
    spread().over(5_000, numbers(5_000));
    await clock.advance(5_000);
    expect(turns.map(({ item }) => item).sort((a, b) => a - b)).toEqual(numbers(5_000));
    const buckets = new Array<number>(50).fill(0);
    for (const { at } of turns) buckets[Math.min(49, Math.floor(at / 100))]!++;
    expect(Math.max(...buckets)).toBeLessThanOrEqual(101);
    expect(Math.min(...buckets)).toBeGreaterThanOrEqual(99);
    clock.assertNoTimerLeft();
  });

  it('does not catch up all at once when the event loop was held up', async () => {
    const stalling = new StallingClock();
    const times: number[] = [];
    new Spread<number>(stalling, () => times.push(stalling.now())).over(5_000, numbers(5_000));
    await stalling.advance(1_000);
    stalling.stall(1_000);
    await stalling.advance(3_500);
    const buckets = new Map<number, number>();
    for (const at of times) buckets.set(Math.floor(at / 100), (buckets.get(Math.floor(at / 100)) ?? 0) + 1);
    expect(Math.max(...buckets.values())).toBeLessThanOrEqual(200);
    expect(Math.max(...buckets.values())).toBeGreaterThan(120);
    expect(times).toHaveLength(5_000);
    stalling.assertNoTimerLeft();
  });

  it('takes the items in any order', async () => {
    spread().over(1_000, numbers(200));
    await clock.advance(1_000);
    expect(turns.map(({ item }) => item)).not.toEqual(numbers(200));
  });

  it('gives each a random moment of its share', async () => {
    const halves = [0.25, 0.75, 0.25, 0.75];
    let drawn = 0;
    // The first three draws shuffle four items.
    spread(() => (drawn++ < 3 ? 0.999 : halves[(drawn - 4) % 4]!)).over(400, numbers(4));
    await clock.advance(400);
    expect(turns).toEqual([
      { item: 0, at: 25 },
      { item: 1, at: 175 },
      { item: 2, at: 225 },
      { item: 3, at: 375 },
    ]);
  });

  it('arms one timer at a time', async () => {
    const many = spread();
    many.over(1_000, numbers(50));
    for (let step = 0; step < 10; step++) {
      expect(clock.armedAt).toHaveLength(1);
      many.add(100 + step);
      expect(clock.armedAt).toHaveLength(1);
      await clock.advance(50);
    }
    await clock.advance(500);
    expect(turns).toHaveLength(60);
    clock.assertNoTimerLeft();
  });

  it('gives a newcomer a moment of what is left, before or after the others', async () => {
    const draws = [0.999, 0.5, 0.5, 0.1, 0.9];
    const some = spread(() => draws.shift()!);
    some.over(1_000, [1, 2]);
    expect([some.add(3), some.add(4), some.size]).toEqual([true, true, 4]);
    await clock.advance(1_000);
    expect(turns.map(({ item, at }) => [item, Math.round(at)])).toEqual([
      [3, 100],
      [1, 250],
      [2, 750],
      [4, 900],
    ]);
  });

  it('takes no newcomer when nothing of the span is left, or when it has never begun', async () => {
    const some = spread();
    expect(some.add(1)).toBe(false);
    some.over(100, []);
    expect(some.size).toBe(0);
    await clock.advance(100);
    expect(some.add(1)).toBe(false);
    await clock.advance(1_000);
    expect(turns).toEqual([]);
    clock.assertNoTimerLeft();
  });

  it('gives no further turns once stopped, in the middle of one too', async () => {
    const some: Spread<number> = new Spread<number>(
      clock,
      (item) => {
        turns.push({ item, at: clock.now() });
        if (turns.length === 3) some.stop();
      },
      () => 0,
    );
    some.over(0, numbers(10));
    await clock.advance(10);
    expect([turns.length, some.size, some.add(1)]).toEqual([3, 0, false]);
    clock.assertNoTimerLeft();
  });

  it('takes all at once where the span is 0', async () => {
    spread().over(0, numbers(10));
    await clock.advance(0);
    expect(turns).toHaveLength(10);
    clock.assertNoTimerLeft();
  });
});
