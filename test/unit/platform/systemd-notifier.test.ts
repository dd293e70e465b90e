import { beforeEach, describe, expect, it, jest } from '@jest/globals';
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

describe('NOTIFY_SOCKET is inherited', () => {
  let environment: NodeJS.ProcessEnv;
  const isListening = (inherited: NodeJS.ProcessEnv, pid: number, threadId = 0) =>
    new SystemdNotifier({ warn: jest.fn(), environment: inherited, pid, threadId }).isListening;

  beforeEach(() => {
    environment = { NOTIFY_SOCKET: '/run/systemd/notify' };
    expect(isListening(environment, 300)).toBe(true);
  });

  it('and what the service starts tells systemd nothing', () => {
    expect(isListening({ ...environment }, 301)).toBe(false);
    expect(isListening({ ...environment }, 300, 1)).toBe(false);
  });

  it('and every application of the process tells it', () => {
    expect(isListening(environment, 300)).toBe(true);
    expect(environment.NOTIFY_SOCKET).toBe('/run/systemd/notify');
  });

  it('and the service is whatever a script, such as that of npm, has started', () => {
    expect(isListening({ NOTIFY_SOCKET: '/run/systemd/notify' }, 302)).toBe(true);
  });
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
