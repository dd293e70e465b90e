import { describe, expect, it, jest } from '@jest/globals';
import { PlatformGrace } from '../../../src/platform/platform-grace.js';
import { type askStopTimeout } from '../../../src/platform/stop-timeout.js';

const ids = { pid: 300, parentPid: 1 };
const unit = { INVOCATION_ID: '0123456789abcdef', SYSTEMD_EXEC_PID: '300' };

describe('PlatformGrace', () => {
  it('takes a number as it is, wherever it runs, and asks nobody', () => {
    const ask = jest.fn<typeof askStopTimeout>();
    const done = jest.fn();
    const grace = new PlatformGrace(45_000, { K_SERVICE: 'orders', ...unit }, ids, ask);
    grace.whenKnown(done);
    expect(done).toHaveBeenCalledTimes(1);
    expect(ask).not.toHaveBeenCalled();
    expect(grace.now).toEqual({ ms: 45_000, source: 'the option gracePeriodMs', isAssumed: false });
  });

  it('assumes what the platform grants, and says why', () => {
    const done = jest.fn();
    const grace = new PlatformGrace('auto', { K_SERVICE: 'orders' }, ids);
    grace.whenKnown(done);
    expect(done).toHaveBeenCalledTimes(1);
    const source = 'Google Cloud Run (K_SERVICE is set; it cannot be changed there)';
    expect(grace.now).toEqual({ ms: 10_000, source, isAssumed: true });
  });

  it('asks systemd once, and assumes 30 s until it answers', () => {
    let answered: Parameters<typeof askStopTimeout>[0] | undefined;
    const done = jest.fn();
    const grace = new PlatformGrace('auto', unit, ids, (each) => (answered = each));
    expect(grace.now).toMatchObject({ ms: 30_000, isAssumed: true });
    grace.whenKnown(done);
    expect(done).not.toHaveBeenCalled();
    answered!(90_000);
    expect(done).toHaveBeenCalledTimes(1);
    expect(grace.now).toEqual({ ms: 90_000, source: 'systemd (TimeoutStopSec of the unit)', isAssumed: true });
  });

  it('assumes no more than a timer can hold: a longer one fires at once', () => {
    const aMonth = 30 * 86_400_000;
    const grace = new PlatformGrace('auto', unit, ids, (answered) => answered(aMonth));
    grace.whenKnown(() => undefined);
    expect(grace.now.ms).toBe(2 ** 31 - 1);
    expect(new PlatformGrace('auto', { pm_id: '0', kill_timeout: `${aMonth}` }, ids).now.ms).toBe(2 ** 31 - 1);
  });

  it('goes on assuming when systemd does not answer', () => {
    const done = jest.fn();
    const grace = new PlatformGrace('auto', unit, ids, (answered) => answered(undefined));
    grace.whenKnown(done);
    expect(done).toHaveBeenCalledTimes(1);
    expect(grace.now).toMatchObject({ ms: 30_000, source: expect.stringContaining('TimeoutStopSec is not known') });
  });
});
