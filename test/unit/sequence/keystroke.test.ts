import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, nextPoll } from '../../../src/sequence/clock.js';
import { Keystroke, oneKeystrokeMs } from '../../../src/sequence/keystroke.js';
import { FakeClock } from '../../support/fake-clock.js';

describe('A keystroke', () => {
  let clock: FakeClock;
  let keystroke: Keystroke;
  beforeEach(() => {
    clock = new FakeClock();
    keystroke = new Keystroke(clock);
  });
  afterEach(() => clock.assertNoTimerLeft());

  it('lasts for half a second, and does not keep the process alive', async () => {
    expect(keystroke.isOn).toBe(false);
    keystroke.begin();
    expect(clock.holdsProcess).toBe(false);
    await clock.advance(oneKeystrokeMs - 1);
    expect(keystroke.isOn).toBe(true);
    await clock.advance(1);
    expect(keystroke.isOn).toBe(false);
  });

  it('can be ended, and begun again', async () => {
    keystroke.begin();
    keystroke.end();
    expect(keystroke.isOn).toBe(false);
    keystroke.begin();
    await clock.advance(oneKeystrokeMs - 1);
    keystroke.begin();
    await clock.advance(oneKeystrokeMs - 1);
    expect(keystroke.isOn).toBe(true);
    keystroke.end();
  });

  describe('while which the process stood still', () => {
    let fire: () => void;
    beforeEach(() => {
      fire = () => undefined;
      keystroke = new Keystroke({
        ...clock,
        after: (_ms, fired) => {
          fire = fired;
          return { cancel: () => undefined };
        },
      } as Clock);
    });

    it('has not ended before a signal is heard that came meanwhile', async () => {
      keystroke.begin();
      const heard = nextPoll().then(() => keystroke.isOn);
      fire();
      expect(await heard).toBe(true);
      await nextPoll();
      expect(keystroke.isOn).toBe(false);
    });

    it('does not end another that begins just then', async () => {
      keystroke.begin();
      fire();
      keystroke.begin();
      await nextPoll();
      expect(keystroke.isOn).toBe(true);
    });
  });
});
