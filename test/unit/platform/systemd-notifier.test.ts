import { expect, it, jest } from '@jest/globals';
import { ServicePulse } from '../../../src/platform/service-pulse.js';
import { type Notify, SystemdNotifier } from '../../../src/platform/systemd-notifier.js';
import { FakeClock } from '../../support/fake-clock.js';

it('systemd is told nothing, and watches nobody, where it does not listen', () => {
  const notify = jest.fn<Notify>();
  const notifier = new SystemdNotifier({ warn: jest.fn(), environment: { WATCHDOG_USEC: '3000000' }, notify });
  notifier.tell({ READY: '1' });
  expect(notify).not.toHaveBeenCalled();
  expect(notifier.aliveEveryMs).toBeUndefined();
});

it('A process that is ready again, as a group is after a reload, says no more often that it is alive', async () => {
  const clock = new FakeClock();
  const tell = jest.fn();
  const pulse = new ServicePulse({ tell, aliveEveryMs: 1_000 }, clock);
  pulse.beAlive();
  pulse.beAlive();
  await clock.advance(1_000);
  expect(tell).toHaveBeenCalledTimes(2);
  pulse.stop();
  clock.assertNoTimerLeft();
});
