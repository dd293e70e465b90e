import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ProcessEnd } from '../../../src/nest/process-end.js';
import { SignalCompanion } from '../../../src/nest/signal-companion.js';
import { DrainCore } from '../../../src/drain-core.js';
import { type GracefulShutdownOptions } from '../../../src/options/options.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { FakeProcess } from '../../support/fake-process.js';
import { Gate } from '../../support/gate.js';

let host: FakeProcess;
let companion: SignalCompanion;
let clock: FakeClock;
let written: string;
let disableHooks: () => void;

beforeEach(() => {
  host = new FakeProcess();
  written = '';
  companion = new SignalCompanion(host.host, (text) => (written += text));
  clock = new FakeClock();
  disableHooks = host.enableShutdownHooks('SIGTERM', 'SIGINT');
});

afterEach(() => {
  disableHooks();
  expect(host.listenedFor.filter((name) => name !== 'SIGHUP')).toEqual([]);
});

/** An application, from its first init hook on. */
class App {
  readonly core: DrainCore;
  readonly end: ProcessEnd;

  constructor(options: GracefulShutdownOptions = {}, isUnderPm2 = false) {
    const resolved = resolveOptions({ lameDuck: false, ...options });
    this.core = new DrainCore(resolved, clock, {}, undefined, undefined, undefined, isUnderPm2);
    this.end = new ProcessEnd(this.core, host.host, companion);
    this.end.start();
  }

  hold(name = 'GET /held') {
    return this.core.tracker.take('request', name);
  }

  /** Nest closes it, for `signal`, until its last hook has run. */
  async close(signal?: string): Promise<void> {
    await this.end.begin();
    await this.end.hostClosed(signal);
  }
}

/** Lets everything that needs no time settle; some of it takes several turns. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await settle();
}

/** A signal arrives, and Nest closes these applications for it. */
async function signalled(signal: NodeJS.Signals, ...apps: App[]): Promise<void> {
  host.signal(signal);
  const closing = apps.map((app) => app.close(signal));
  await rest();
  void closing;
}

describe('ProcessEnd', () => {
  it('leaves the end of a clean shutdown to Nest, which sends its closing signal', async () => {
    const app = new App();
    await signalled('SIGTERM', app);
    expect(await app.core.sequence.closed).toMatchObject({ reason: 'signal SIGTERM', clean: true });
    expect(host.exits).toEqual([]);
  });

  it('ends the process when it still lives half a second after that', async () => {
    await signalled('SIGTERM', new App());
    await clock.advance(499);
    expect(host.exits).toEqual([]);
    await clock.advance(1);
    expect(host.exits).toEqual([0]);
  });

  it('ends it with 0 as PID 1, where a signal of its own has no effect', async () => {
    Object.assign(host, { pid: 1 });
    await signalled('SIGTERM', new App());
    expect(host.exits).toEqual([0]);
  });

  it('ends it with 1 after an unclean shutdown', async () => {
    const app = new App();
    app.core.hooks.add('releasing', () => Promise.reject(new Error('no disk')), {});
    await signalled('SIGTERM', app);
    expect(host.exits).toEqual([1]);
  });

  it('keeps a failure that somebody has set as exit code', async () => {
    host.exitCode = 3;
    await signalled('SIGTERM', new App());
    expect(host.exits).toEqual([3]);
  });

  it('keeps it as PID 1, when all is clean and when it is not', async () => {
    Object.assign(host, { pid: 1, exitCode: 3 });
    await signalled('SIGTERM', new App());
    const unclean = new App();
    unclean.core.hooks.add('releasing', () => Promise.reject(new Error('no disk')), {});
    await signalled('SIGTERM', unclean);
    expect(host.exits).toEqual([3, 3]);
  });

  it.each([
    ['with it', true, 0],
    ['with 1 all the same', false, 1],
  ])('where 0 has been set as exit code, ends %s (clean: %p)', async (_name, isClean, code) => {
    host.exitCode = 0;
    const app = new App();
    if (!isClean) app.core.hooks.add('releasing', () => Promise.reject(new Error('no disk')), {});
    await signalled('SIGTERM', app);
    expect(host.exits).toEqual([code]);
  });

  it('ends nothing after app.close(), clean or not', async () => {
    const app = new App();
    app.core.hooks.add('releasing', () => Promise.reject(new Error('no disk')), {});
    await app.close();
    await clock.advance(60_000);
    expect(await app.core.sequence.closed).toMatchObject({ reason: 'app.close()', clean: false });
    expect(host.exits).toEqual([]);
    expect(host.exitCode).toBeUndefined();
  });

  it('does not take a signal of long ago for the reason of an app.close()', async () => {
    const app = new App();
    host.signal('SIGINT');
    await clock.advance(30_001);
    void app.close();
    await rest();
    expect(await app.core.sequence.closed).toMatchObject({ reason: 'app.close()' });
  });

  describe('in a drain', () => {
    let app: App;
    let lease: ReturnType<App['hold']>;

    async function drain(signal: NodeJS.Signals, options: GracefulShutdownOptions = {}) {
      app = new App(options);
      lease = app.hold();
      await signalled(signal, app);
      expect(app.core.phase).toBe('draining');
    }

    async function forcedBy(signal: NodeJS.Signals): Promise<boolean> {
      host.signal(signal);
      await rest();
      const isForced = app.core.phase === 'closed';
      lease.release();
      await rest();
      return isForced;
    }

    it('is forced by SIGINT, with 130', async () => {
      await drain('SIGTERM');
      expect(await forcedBy('SIGINT')).toBe(true);
      expect(host.exits).toEqual([130]);
    });

    it('is not forced by SIGTERM', async () => {
      await drain('SIGTERM');
      await clock.advance(5_000);
      expect(await forcedBy('SIGTERM')).toBe(false);
      expect(host.exits).toEqual([]);
    });

    it.each<[string, number, boolean]>([
      ['one keystroke', 499, false],
      ['a second one', 500, true],
    ])('takes a repetition for %s, %p ms later', async (_name, ms, isForced) => {
      await drain('SIGINT');
      await clock.advance(ms);
      expect(await forcedBy('SIGINT')).toBe(isForced);
    });

    it('is not forced by a signal that the process sends itself, as another application does at its end', async () => {
      await drain('SIGINT');
      await clock.advance(2_000);
      host.kill(host.pid, 'SIGINT');
      expect(await forcedBy('SIGINT')).toBe(false);
      expect(host.exits).toEqual([]);
    });

    it('says what is in flight when somebody ends the process', async () => {
      await drain('SIGTERM');
      await clock.advance(1_204);
      host.emit('exit', 0);
      expect(written).toContain('exit code 0 in the middle of a shutdown, in phase draining');
      expect(written).toContain('request GET /held (1204 ms)');
      lease.release();
      await rest();
      written = '';
      host.emit('exit', 0);
      expect(written).toBe('');
    });

    it('names ten pieces of work, and counts the others', async () => {
      await drain('SIGTERM');
      const leases = Array.from({ length: 11 }, (_, index) => app.hold(`job ${index}`));
      host.emit('exit', 7);
      expect(written).toMatch(/job 8 \(0 ms\) and 2 more\.\n$/);
      for (const each of [lease, ...leases]) each.release();
      await rest();
    });
  });

  it('does not take one that asks for something else for the reason for longer than ten seconds', async () => {
    host.on('SIGHUP', () => undefined);
    const app = new App();
    host.signal('SIGHUP');
    await clock.advance(10_001);
    void app.close();
    await rest();
    expect(await app.core.sequence.closed).toMatchObject({ reason: 'app.close()' });
  });

  it('is not forced by a second SIGINT of PM2, which kills what does not end', async () => {
    const app = new App({}, true);
    const lease = app.hold();
    await signalled('SIGINT', app);
    await clock.advance(2_000);
    host.signal('SIGINT');
    await rest();
    expect(app.core.phase).toBe('draining');
    lease.release();
    await rest();
    expect(host.exits).toEqual([]);
  });

  it.each([
    ['keeps the connections from', 'lame-duck', 1],
    ['leaves to', 'draining', 0],
  ])('%s a primary process that takes it out in phase %s', async (_, phase, times) => {
    const window = { minMs: 300, quietMs: 0, maxMs: 300 };
    const app = new App({ lameDuck: phase === 'lame-duck' && window });
    const keep = jest.spyOn(app.core.servers, 'keepConnections');
    const lease = app.hold();
    await signalled('SIGTERM', app);
    expect(app.core.phase).toBe(phase);
    companion.takenOut();
    expect(keep).toHaveBeenCalledTimes(times);
    lease.release();
    await clock.advance(400);
    await rest();
  });

  describe('where a listener of the application closes it', () => {
    it.each<[string, (app: App) => unknown]>([
      ['closes it', (app) => app.close()],
      ['calls shutdown()', ({ core }) => core.sequence.begin({ reason: 'shutdown()', isHostClosing: false })],
    ])('and %s later, counts the grace period from the signal', async (_name, close) => {
      const app = new App({ drainTimeoutMs: 60_000 });
      app.hold();
      host.signal('SIGTERM');
      await clock.advance(8_000);
      void close(app);
      await clock.advance(20_999);
      expect(app.core.phase).toBe('draining');
      await clock.advance(1);
      expect(await app.core.sequence.drained).toBe('timed-out');
      await app.close();
      expect(host.exits).toEqual([1]);
    });

    it('knows the signal for as long as the platform waits, and no other in its place', async () => {
      host.on('SIGHUP', () => undefined);
      const app = new App({ drainTimeoutMs: 60_000 });
      app.hold();
      host.signal('SIGTERM');
      await clock.advance(10_000);
      host.signal('SIGHUP');
      host.signal('SIGTERM');
      await clock.advance(10_000);
      void app.close();
      await clock.advance(9_000);
      expect(await app.core.sequence.closed).toMatchObject({ reason: 'signal SIGTERM', endedBy: 'hard-stop' });
      expect(host.exits).toEqual([1]);
    });

    it('ends the process just before SIGKILL would', async () => {
      const app = new App();
      host.signal('SIGTERM');
      await app.close();
      await clock.advance(28_999);
      expect(host.exits).toEqual([]);
      await clock.advance(1);
      expect(host.exits).toEqual([0]);
    });

    it('lets a process that reloads itself on SIGHUP live', async () => {
      const reload = () => undefined;
      host.on('SIGHUP', reload);
      const app = new App();
      app.core.hooks.add('releasing', () => Promise.reject(new Error('no disk')), {});
      host.signal('SIGHUP');
      await app.close();
      expect(await app.core.sequence.closed).toMatchObject({ reason: 'signal SIGHUP', clean: false });
      const next = new App();
      await clock.advance(60_000);
      expect(host.exits).toEqual([]);
      expect(host.exitCode).toBeUndefined();
      await next.close();
    });

    it('lets it live where a new application runs, whatever the signal, and keeps the exit code for its end', async () => {
      const app = new App();
      app.core.hooks.add('releasing', () => Promise.reject(new Error('no disk')), {});
      const next = new App();
      host.signal('SIGTERM');
      await app.close();
      await clock.advance(60_000);
      expect(host.exits).toEqual([]);
      expect(host.exitCode).toBe(1);
      await next.close();
    });
  });

  describe('with two applications', () => {
    it('waits for the other, and ends with its failure', async () => {
      const [first, second] = [new App(), new App()];
      second.core.hooks.add('releasing', () => Promise.reject(new Error('no disk')), {});
      const lease = second.hold();
      await signalled('SIGTERM', first, second);
      expect(first.core.phase).toBe('closed');
      expect(host.exits).toEqual([]);
      lease.release();
      await rest();
      expect(host.exits).toContain(1);
      expect(host.exits).not.toContain(0);
    });

    it('does not wait for one that the signal has not begun to close', async () => {
      const [first, second] = [new App(), new App()];
      host.signal('SIGTERM');
      void first.close('SIGTERM');
      await rest();
      await clock.advance(500);
      expect(host.exits).toEqual([0]);
      await second.close();
    });
  });
});

describe('What is done after the report', () => {
  const never = () => new Promise(() => undefined);

  /** Ends as PID 1: where nothing else is waited for, at once. */
  async function ended(app: App, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    Object.assign(host, { pid: 1 });
    await signalled(signal, app);
  }

  it('is waited for, with the report, before the process ends', async () => {
    const app = new App();
    const gate = new Gate();
    const given: unknown[] = [];
    app.core.sequence.afterReport.add((report) => {
      given.push(report);
      return gate.pass();
    }, 'export');
    await ended(app);
    expect(given).toEqual([await app.core.sequence.closed]);
    expect(host.exits).toEqual([]);
    gate.release();
    await rest();
    expect(host.exits).toEqual([0]);
  });

  it('is waited for after app.close() as well, which ends nothing', async () => {
    const app = new App();
    const gate = new Gate();
    app.core.sequence.afterReport.add(() => gate.pass(), 'export');
    let isClosed = false;
    void app.close().then(() => (isClosed = true));
    await rest();
    expect(isClosed).toBe(false);
    gate.release();
    await rest();
    expect(isClosed).toBe(true);
  });

  it.each([
    ['hookTimeoutMs, where there is time', { hookTimeoutMs: 700, gracePeriodMs: 30_000 }, 700],
    ['four fifths of what the hard stop leaves', { hookTimeoutMs: 9_000, gracePeriodMs: 2_000 }, 1_800],
  ])('is waited for no longer than %s', async (_name, options, ms) => {
    const app = new App(options);
    app.core.sequence.afterReport.add(never, 'export');
    await ended(app);
    await clock.advance(ms - 1);
    expect(host.exits).toEqual([]);
    await clock.advance(1);
    expect(host.exits).toEqual([0]);
  });

  it('has that time behind the hard stop, too', async () => {
    const app = new App({ gracePeriodMs: 5_000 });
    app.core.sequence.afterReport.add(never, 'export');
    host.signal('SIGTERM');
    void app.end.begin();
    await clock.advance(4_000);
    expect((await app.core.sequence.closed).endedBy).toBe('hard-stop');
    await clock.advance(799);
    expect(host.exits).toEqual([]);
    await clock.advance(1);
    expect(host.exits).toEqual([1]);
  });

  it('is waited for one second when a second signal has come', async () => {
    const app = new App();
    app.core.sequence.afterReport.add(never, 'export');
    app.hold();
    await signalled('SIGINT', app);
    await clock.advance(1_000);
    host.signal('SIGINT');
    await rest();
    await clock.advance(999);
    expect(host.exits).toEqual([]);
    await clock.advance(1);
    expect(host.exits).toEqual([130]);
  });

  it('is waited for one second more when the second signal comes while it runs', async () => {
    const app = new App();
    app.core.sequence.afterReport.add(never, 'export');
    await signalled('SIGINT', app);
    expect(app.core.phase).toBe('closed');
    await clock.advance(1_000);
    host.signal('SIGINT');
    await clock.advance(999);
    expect(host.exits).toEqual([]);
    await clock.advance(1);
    expect(host.exits).toEqual([130]);
  });
});
