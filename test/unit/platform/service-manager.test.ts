import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ServiceManager } from '../../../src/platform/service-manager.js';
import { type Notify } from '../../../src/platform/systemd-notifier.js';
import { type ShutdownPhase } from '../../../src/sequence/phase.js';
import { FakeClock } from '../../support/fake-clock.js';

let clock: FakeClock;
let inFlight: number;
let warn: jest.Mock<(message: string) => void>;
/** What systemd has been told, a line for each message. */
let said: string[];
let ends: ((error?: Error) => void)[];
let isTheEnd: boolean;
let isAside: boolean;
let hardStopAt: number;

beforeEach(() => {
  clock = new FakeClock();
  inFlight = 0;
  warn = jest.fn();
  said = [];
  ends = [];
  isTheEnd = true;
  isAside = false;
  hardStopAt = Infinity;
});

const facts = () => ({
  clock,
  inFlight: () => inFlight,
  warn,
  isTheEnd: () => isTheEnd,
  isAside: () => isAside,
  hardStopAt: () => hardStopAt,
});

const managed = (environment: NodeJS.ProcessEnv = {}, notify?: Notify): ServiceManager =>
  new ServiceManager({
    ...facts(),
    watched: () => said.push('(watched)'),
    environment: { NOTIFY_SOCKET: '/run/systemd/notify', ...environment },
    pid: 300,
    notify:
      notify ??
      ((assignments, ended) => {
        said.push(assignments.join(' '));
        ended();
      }),
  });

/** The words of a systemd-notify that takes its time: `ends` lets the next one end. */
const slow: Notify = (assignments, ended) => {
  said.push(assignments.join(' '));
  ends.push(ended);
};

function enter(manager: ServiceManager, phase: ShutdownPhase, previous: ShutdownPhase): void {
  manager.log({ type: 'phase', phase, previous, reason: 'signal SIGTERM', elapsedMs: 0, inFlight });
}

describe('ServiceManager', () => {
  it('says nothing where systemd does not listen', async () => {
    const manager = managed({ NOTIFY_SOCKET: undefined, WATCHDOG_USEC: '1000000' });
    manager.ready();
    enter(manager, 'lame-duck', 'running');
    expect(clock.armedAt).toEqual([]);
    await clock.advance(10_000);
    expect(said).toEqual([]);
  });

  it('leaves it to the primary of a cluster to say something', () => {
    const notify = jest.fn<Notify>();
    const environment = { NOTIFY_SOCKET: '/run/systemd/notify' };
    const worker = new ServiceManager({ ...facts(), environment, notify, isWorker: true });
    worker.ready();
    enter(worker, 'lame-duck', 'running');
    expect(notify).not.toHaveBeenCalled();
  });

  it('says that the application is ready, once', () => {
    const manager = managed();
    manager.ready();
    manager.ready();
    expect(said).toEqual(['READY=1 STATUS=serving']);
    expect(clock.armedAt).toEqual([]);
  });

  it('says that it stops and what is in flight, and asks for time, until it is closed', async () => {
    const manager = managed();
    inFlight = 3;
    enter(manager, 'lame-duck', 'running');
    manager.log({ type: 'deadline', inFlight });
    await clock.advance(2_500);
    inFlight = 2;
    enter(manager, 'draining', 'lame-duck');
    inFlight = 1;
    await clock.advance(2_000);
    enter(manager, 'releasing', 'draining');
    enter(manager, 'closed', 'releasing');
    await clock.advance(10_000);
    expect(said).toEqual([
      'STOPPING=1 STATUS=lame-duck, 3 in flight EXTEND_TIMEOUT_USEC=10000000',
      'STATUS=lame-duck, 3 in flight EXTEND_TIMEOUT_USEC=10000000',
      'STATUS=draining, 2 in flight EXTEND_TIMEOUT_USEC=10000000',
      'STATUS=draining, 1 in flight EXTEND_TIMEOUT_USEC=10000000',
      'STATUS=releasing, 1 in flight EXTEND_TIMEOUT_USEC=10000000',
    ]);
    expect(clock.armedAt).toEqual([]);
  });

  it('does not say that the service stops where an application closes that nobody has asked to', async () => {
    isTheEnd = false;
    const manager = managed();
    enter(manager, 'lame-duck', 'running');
    expect(said).toEqual(['STATUS=lame-duck, 0 in flight EXTEND_TIMEOUT_USEC=10000000']);
    enter(manager, 'closed', 'releasing');
    clock.assertNoTimerLeft();
  });

  it('says nothing of an application that closes while another in the process runs on', async () => {
    isTheEnd = false;
    isAside = true;
    const manager = managed();
    enter(manager, 'lame-duck', 'running');
    enter(manager, 'draining', 'lame-duck');
    await clock.advance(10_000);
    expect(said).toEqual([]);
    clock.assertNoTimerLeft();
  });

  it('asks for no more time from the hard stop on, where nobody closes what has been drained', async () => {
    hardStopAt = 5_000;
    const manager = managed();
    enter(manager, 'releasing', 'running');
    await clock.advance(60_000);
    expect(said).toHaveLength(3);
    // Nest closes it after all.
    hardStopAt = 63_000;
    await clock.advance(60_000);
    expect(said).toHaveLength(4);
    enter(manager, 'closed', 'releasing');
    clock.assertNoTimerLeft();
  });

  it('holds the process open neither to say that it is alive nor that it stops', () => {
    const manager = managed({ WATCHDOG_USEC: '3000000' });
    manager.ready();
    enter(manager, 'lame-duck', 'running');
    expect(clock.armedAt).toHaveLength(2);
    expect(clock.holdsProcess).toBe(false);
  });

  it.each(['300', undefined])('says that it is alive twice in the time of its watchdog (%s)', async (WATCHDOG_PID) => {
    const manager = managed({ WATCHDOG_USEC: '3000000', WATCHDOG_PID });
    await clock.advance(10_000);
    expect(said).toEqual([]);
    manager.ready();
    await clock.advance(3_000);
    const turn = ['(watched)', 'WATCHDOG=1'];
    expect(said).toEqual(['READY=1 STATUS=serving', ...turn, ...turn, ...turn]);
    enter(manager, 'closed', 'releasing');
    expect(clock.armedAt).toEqual([]);
  });

  it.each([[{ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '299' }], [{ WATCHDOG_USEC: '0' }], [{ WATCHDOG_USEC: 'soon' }]])(
    'is no watchdog where none is asked of this process: %j',
    async (environment) => {
      managed(environment).ready();
      await clock.advance(10_000);
      expect(said).toEqual(['READY=1 STATUS=serving']);
    },
  );

  it('runs one systemd-notify at a time, and says then what is true by then', async () => {
    const manager = managed({}, slow);
    manager.ready();
    enter(manager, 'lame-duck', 'running');
    inFlight = 1;
    enter(manager, 'draining', 'lame-duck');
    expect(said).toEqual(['READY=1 STATUS=serving']);
    ends[0]!();
    expect(said[1]).toBe('STOPPING=1 STATUS=draining, 1 in flight EXTEND_TIMEOUT_USEC=10000000');
    ends[1]!();
    expect(said).toHaveLength(2);
  });

  it('says it again a moment later, with what is true by then, where the machine has no room for a process', async () => {
    const manager = managed({}, slow);
    manager.ready();
    ends[0]!(Object.assign(new Error('spawn systemd-notify EAGAIN'), { code: 'EAGAIN' }));
    expect(clock.holdsProcess).toBe(false);
    enter(manager, 'lame-duck', 'running');
    expect(said).toHaveLength(1);
    await clock.advance(500);
    expect(said[1]).toBe('READY=1 STATUS=lame-duck, 0 in flight STOPPING=1 EXTEND_TIMEOUT_USEC=10000000');
    ends[1]!();
    await clock.advance(1_500);
    expect(said[2]).toBe('STATUS=lame-duck, 0 in flight EXTEND_TIMEOUT_USEC=10000000');
    expect(warn).not.toHaveBeenCalled();
  });

  it('warns once where systemd-notify cannot be run, and leaves it', () => {
    const manager = managed({}, (assignments, ended) => {
      said.push(assignments.join(' '));
      ended(new Error('spawn systemd-notify ENOENT'));
    });
    manager.ready();
    enter(manager, 'lame-duck', 'running');
    expect(said).toHaveLength(1);
    expect(warn.mock.calls).toEqual([[expect.stringContaining('spawn systemd-notify ENOENT')]]);
  });
});
