import { beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { HangWatch } from '../../../src/serve/hang-watch.js';
import { prefixLines } from '../../../src/serve/log-lines.js';
import { ServiceNotices } from '../../../src/serve/service-notices.js';
import { type GroupStatus, statusText } from '../../../src/serve/status.js';
import { metricsText } from '../../../src/serve/status-server.js';
import { type WorkerPhase } from '../../../src/serve/worker.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

describe('HangWatch', () => {
  const killed: string[] = [];
  const one = (phase: WorkerPhase, silentMs: number) => ({
    phase,
    silentMs,
    kill: (why: string) => killed.push(why),
  });
  const workers = [one('serving', 0), one('starting', 60_000), one('retiring', 60_000)];
  beforeEach(() => {
    killed.length = 0;
    workers[0]!.silentMs = 0;
  });

  it('kills a worker that serves, and has been silent for the limit', async () => {
    let found = 0;
    const watch = new HangWatch(
      clock,
      1_000,
      () => workers,
      () => found++,
    );
    watch.start();
    workers[0]!.silentMs = 999;
    await clock.advance(250);
    expect(killed).toEqual([]);
    workers[0]!.silentMs = 1_000;
    await clock.advance(250);
    expect(killed).toEqual(['it hangs: nothing has been heard of it for 1000 ms']);
    expect(found).toBe(1);
    watch.stop();
    clock.assertNoTimerLeft();
  });

  it('hears workers first when it has been halted itself', async () => {
    let haltedMs = 0;
    const halting = { ...clock, now: () => clock.now() + haltedMs, after: clock.after.bind(clock) } as FakeClock;
    const watch = new HangWatch(
      halting,
      1_000,
      () => workers,
      () => undefined,
    );
    watch.start();
    workers[0]!.silentMs = haltedMs = 60_000;
    await clock.advance(250);
    expect(killed).toEqual([]);
    await clock.advance(250);
    expect(killed).toHaveLength(1);
    watch.stop();
  });

  it('looks at nobody where the limit is 0', () => {
    new HangWatch(
      clock,
      0,
      () => workers,
      () => undefined,
    ).start();
    clock.assertNoTimerLeft();
  });
});

describe('ServiceNotices', () => {
  it('tell what systemd waits for', async () => {
    const told: Record<string, string>[] = [];
    const notifier = { aliveEveryMs: 5_000, tell: (news: Record<string, string>) => told.push(news) };
    const notices = new ServiceNotices(
      notifier,
      clock,
      () => 'status',
      () => 7n,
    );
    notices.entered('starting');
    expect(told).toEqual([]);
    notices.entered('serving');
    await clock.advance(5_000);
    notices.entered('reloading');
    notices.entered('serving');
    expect(told.splice(0)).toEqual([
      { READY: '1', STATUS: 'status' },
      { WATCHDOG: '1' },
      { WATCHDOG: '1' },
      { RELOADING: '1', MONOTONIC_USEC: '7', STATUS: 'status' },
      { READY: '1', STATUS: 'status' },
    ]);
    notices.entered('stopping');
    await clock.advance(2_000);
    expect(told).toEqual([
      { STOPPING: '1', STATUS: 'status', EXTEND_TIMEOUT_USEC: '10000000' },
      { STATUS: 'status', EXTEND_TIMEOUT_USEC: '10000000' },
    ]);
    notices.stop();
    clock.assertNoTimerLeft();
  });
});

describe('The state of a group', () => {
  const status: GroupStatus = {
    phase: 'serving',
    version: 3,
    folder: '/srv/orders',
    counts: { reloads: 2, rolledBack: 1, restarts: 4, hangs: 0 },
    workers: [{ worker: 1, pid: 9, phase: 'serving', version: 3, ageMs: 61_000, rss: 2 ** 26, untaken: 2 }],
  };

  it('is told to people', () => {
    expect(statusText(status)).toBe(
      'serving, version 3 in /srv/orders; 2 reloads, 1 rolled back, 4 restarts, 0 hangs\n' +
        'worker 1: serving, pid 9, version 3, 61 s, 64 MB, 2 untaken',
    );
  });

  it('is told to Prometheus', () => {
    const text = metricsText(status);
    expect(text).toContain(
      '# TYPE nestjs_drain_serve_rolled_back_total counter\nnestjs_drain_serve_rolled_back_total 1\n',
    );
    expect(text).toContain('nestjs_drain_serve_workers{phase="serving"} 1\n');
    expect(text).toContain('nestjs_drain_serve_worker_rss_bytes{worker="1",pid="9"} 67108864\n');
  });
});

describe('Lines of workers', () => {
  it('wait while nobody reads them', async () => {
    const [from, to] = [new PassThrough(), new PassThrough({ highWaterMark: 1 })];
    prefixLines(from, to, '');
    from.emit('data', Buffer.from('a line\n'));
    await settle();
    expect(from.isPaused()).toBe(true);
    to.read();
    await settle();
    expect(from.isPaused()).toBe(false);
  });

  it('do not wait for whoever will never read them', async () => {
    const from = new PassThrough();
    const to = new Writable({ write: (_chunk, _encoding, done) => done(new Error('write EPIPE')) });
    to.on('error', () => undefined);
    prefixLines(from, to, '');
    for (const line of ['a line\n', 'another\n']) {
      from.emit('data', Buffer.from(line));
      await settle();
      expect(from.isPaused()).toBe(false);
    }
  });

  it('begin with the number, unless they are JSON, however they come', async () => {
    const [from, to] = [new PassThrough(), new PassThrough()];
    prefixLines(from, to, '[1] ');
    const bytes = Buffer.from('grüß\n{"level":30}\nno end');
    // Cut through a letter.
    from.write(bytes.subarray(0, 3));
    from.write(bytes.subarray(3));
    from.end();
    await once(from, 'end');
    expect(String(to.read())).toBe('[1] grüß\n{"level":30}\n[1] no end\n');
  });
});
