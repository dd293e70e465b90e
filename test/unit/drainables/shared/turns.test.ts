import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { afterFreshPoll, onceBacklogIsEmpty } from '../../../../src/drainables/shared/turns.js';
import { nextPoll } from '../../../../src/sequence/clock.js';
import { FakeClock } from '../../../support/fake-clock.js';

/** A clock on which each turn of the event loop takes as long as a test says. */
class TurningClock extends FakeClock {
  private stalledMs = 0;
  constructor(private readonly turnsMs: number[]) {
    super();
  }
  override now(): number {
    return super.now() + this.stalledMs;
  }
  turn(): void {
    this.stalledMs += this.turnsMs.shift() ?? 0;
  }
}

/** How many turns pass before the act. */
async function turnsBefore(...turnsMs: number[]): Promise<number> {
  const clock = new TurningClock(turnsMs);
  let hasActed = false;
  let turns = 0;
  afterFreshPoll(clock, () => (hasActed = true));
  clock.turn();
  while (!hasActed) {
    await nextPoll();
    turns++;
    clock.turn();
  }
  return turns;
}

describe('afterFreshPoll', () => {
  it('acts in the turn after the next poll, where turns are short', async () => {
    expect(await turnsBefore()).toBe(1);
    expect(await turnsBefore(1, 1, 1)).toBe(1);
  });

  it('polls again for as long as turns take long', async () => {
    expect(await turnsBefore(35, 0)).toBe(2);
    expect(await turnsBefore(35, 20, 2, 0)).toBe(4);
  });

  it('does not wait for ever for a short turn', async () => {
    expect(await turnsBefore(...Array.from({ length: 100 }, () => 5))).toBe(20);
  });
});

describe('onceBacklogIsEmpty', () => {
  it('acts when three turns in a row have accepted nothing, and leaves no listener', async () => {
    const server = new EventEmitter();
    let turns = 0;
    let isEmpty = false;
    void onceBacklogIsEmpty(server, new FakeClock(), () => (isEmpty = true));
    for (; !isEmpty && turns < 20; turns++) {
      if (turns < 4) server.emit('connection');
      await nextPoll();
    }
    expect(turns).toBeGreaterThanOrEqual(7);
    expect(turns).toBeLessThan(10);
    expect(server.listenerCount('connection')).toBe(0);
  });

  /** How many turns pass before nobody waits, where none is accepted. */
  async function turnsUntilEmpty(...turnsMs: number[]): Promise<number> {
    const clock = new TurningClock(turnsMs);
    let isEmpty = false;
    let turns = 0;
    void onceBacklogIsEmpty(new EventEmitter(), clock, () => (isEmpty = true));
    for (; !isEmpty; turns++) {
      clock.turn();
      await nextPoll();
    }
    return turns;
  }

  it('does not trust a long turn: another one passes', async () => {
    const usual = await turnsUntilEmpty();
    expect(await turnsUntilEmpty(20, 20, 0)).toBe(usual);
    expect(await turnsUntilEmpty(0, 0, 20, 20)).toBe(usual + 2);
  });

  it('does not wait for ever for a short one', async () => {
    expect(await turnsUntilEmpty(...Array.from({ length: 100 }, () => 5))).toBeLessThan(30);
  });

  it('acts within the look that found it empty: nothing that takes time can come between', async () => {
    let isEmpty = false;
    let hasWaited = false;
    class LookedAt extends FakeClock {
      override now(): number {
        // What has been queued behind a look runs as soon as the look is over.
        queueMicrotask(() => (hasWaited = !isEmpty));
        return super.now();
      }
    }
    await onceBacklogIsEmpty(new EventEmitter(), new LookedAt(), () => (isEmpty = true));
    expect(hasWaited).toBe(false);
  });

  it('acts with the next turn when the time is up', async () => {
    let isEmpty = false;
    void onceBacklogIsEmpty(new EventEmitter(), new FakeClock(), () => (isEmpty = true), AbortSignal.abort());
    expect(isEmpty).toBe(false);
    await nextPoll();
    expect(isEmpty).toBe(true);
  });
});
