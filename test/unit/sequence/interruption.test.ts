import { beforeEach, describe, expect, it } from '@jest/globals';
import { Interruption } from '../../../src/sequence/interruption.js';
import { FakeClock } from '../../support/fake-clock.js';

let clock: FakeClock;
let happened: string[];
let interruption: Interruption;

beforeEach(() => {
  clock = new FakeClock();
  happened = [];
  interruption = new Interruption(clock, (interrupter, who) => happened.push(`${interrupter} by ${who}`));
});

describe('Interruption', () => {
  it('aborts on a second signal, and says who asked', () => {
    expect(interruption.signal.aborted).toBe(false);
    interruption.interrupt('second-signal', 'SIGINT');
    expect(interruption.signal.aborted).toBe(true);
    expect(happened).toEqual(['second-signal by SIGINT']);
  });

  it('aborts at the hard stop, and not before', async () => {
    interruption.armHardStop(1_000);
    await clock.advance(999);
    expect(interruption.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(happened).toEqual(['hard-stop by the hard stop']);
  });

  it('moves the hard stop when it is armed again', async () => {
    interruption.armHardStop(1_000);
    interruption.armHardStop(2_000);
    expect(clock.armedAt).toEqual([2_000]);
    interruption.cancelHardStop();
    clock.assertNoTimerLeft();
  });

  it('counts the first of several alone', async () => {
    interruption.armHardStop(1_000);
    interruption.interrupt('second-signal', 'SIGINT');
    interruption.interrupt('second-signal', 'SIGTERM');
    await clock.advance(1_000);
    expect(happened).toEqual(['second-signal by SIGINT']);
  });

  it('is told before its signal aborts', () => {
    let wasAborted: boolean | undefined;
    const told: Interruption = new Interruption(clock, () => (wasAborted = told.signal.aborted));
    told.interrupt('second-signal', 'SIGINT');
    expect(wasAborted).toBe(false);
  });
});
