import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DrainCore } from '../../src/drain-core.js';
import { drainableWorker } from '../../src/drainables/jobs/bullmq/worker-drainable.js';
import { GracefulShutdown } from '../../src/graceful-shutdown.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { type Drainable } from '../../src/sequence/drainable.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { nestsShutdownListener } from '../support/fake-process.js';
import { Gate } from '../support/gate.js';
import { FakeWorker } from './drainables/jobs/bullmq/fake-worker.js';

let clock: FakeClock;
let core: DrainCore;
let shutdown: GracefulShutdown;
const kill = jest.spyOn(process, 'kill').mockImplementation(() => true);

beforeEach(() => {
  kill.mockClear();
  clock = new FakeClock();
  core = new DrainCore(resolveOptions(), clock, {});
  shutdown = new GracefulShutdown(core);
});
afterEach(() => {
  process.removeAllListeners('SIGTERM');
  clock.assertNoTimerLeft();
});

async function drainAll(): Promise<void> {
  void shutdown.shutdown();
  await settle();
}

describe('GracefulShutdown.lease', () => {
  it('holds the drain until it is released', async () => {
    const lease = shutdown.lease('import');
    expect(shutdown.inFlight).toBe(1);
    await drainAll();
    expect(shutdown.phase).toBe('draining');
    lease.release();
    await expect(shutdown.drained).resolves.toBe('drained');
    await settle();
  });

  it('raises DRAIN_TOO_LATE once the drain is over', async () => {
    await drainAll();
    expect(() => shutdown.lease('import')).toThrow(expect.objectContaining({ code: 'DRAIN_TOO_LATE' }));
  });
});

describe('GracefulShutdown.track', () => {
  it('makes the drain wait for a promise, and hands its value on', async () => {
    const gate = new Gate();
    const tracked = shutdown.track(
      gate.pass().then(() => 'done'),
      'import',
    );
    expect(core.tracker.leftovers()).toEqual([{ kind: 'task', name: 'import', ageMs: 0 }]);
    gate.release();
    await expect(tracked).resolves.toBe('done');
    expect(shutdown.inFlight).toBe(0);
  });

  it('makes the drain wait for what a function returns, and is named after it', async () => {
    const gate = new Gate();
    const tracked = shutdown.track(function importOrders() {
      return gate.pass();
    });
    expect(core.tracker.leftovers()).toMatchObject([{ name: 'importOrders' }]);
    gate.release();
    await tracked;
    expect(shutdown.inFlight).toBe(0);
  });

  it('has a name for work without one', () => {
    void shutdown.track(Promise.resolve());
    expect(core.tracker.leftovers()).toMatchObject([{ name: 'tracked work' }]);
  });

  it.each([
    ['a promise that rejects', () => Promise.reject(new Error('broken'))],
    [
      'a function that throws',
      () => () => {
        throw new Error('broken');
      },
    ],
  ])('rejects with the reason of %s, and releases its lease', async (_, work) => {
    await expect(shutdown.track(work() as Promise<never>)).rejects.toThrow('broken');
    expect({ size: shutdown.inFlight, finished: core.tracker.finished }).toEqual({ size: 0, finished: 1 });
  });

  it('rejects with DRAIN_TOO_LATE once the drain is over, and does not call the function', async () => {
    await drainAll();
    const work = jest.fn();
    await expect(shutdown.track(work as () => void)).rejects.toMatchObject({ code: 'DRAIN_TOO_LATE' });
    expect(work).not.toHaveBeenCalled();
  });
});

describe('GracefulShutdown.register', () => {
  const drainable = (over: Partial<Drainable> = {}): Drainable => ({
    name: 'queue',
    drain: async () => undefined,
    forceClose: async () => [],
    ...over,
  });

  it('makes the drain wait for it', async () => {
    const gate = new Gate();
    shutdown.register(drainable({ drain: () => gate.pass() }));
    await drainAll();
    expect(shutdown.phase).toBe('draining');
    gate.release();
    await settle();
    expect(shutdown.phase).toBe('releasing');
  });

  it('counts the jobs of one that is made without an application', async () => {
    const worker = new FakeWorker(async () => undefined);
    shutdown.register(drainableWorker(worker));
    const written = worker.take('1');
    expect(core.tracker.leftovers()).toEqual([{ kind: 'job', name: 'orders:ship', ageMs: 0 }]);
    await written;
  });

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['queue', 'queue'],
    [{}, 'Object with nothing of it'],
    [{ name: 'queue', drain: () => undefined }, 'Object with name, drain'],
    [drainable({ name: '' }), 'Object with name, drain, forceClose'],
    [Object.create(null), 'an object with nothing of it'],
  ])('raises DRAIN_INVALID_ARGUMENT for %p', (given, described) => {
    expect(() => shutdown.register(given as Drainable)).toThrow(
      expect.objectContaining({
        code: 'DRAIN_INVALID_ARGUMENT',
        message: `Expected register() to be given a Drainable (name, drain, forceClose), got ${described}. Implement the missing members.`,
      }),
    );
  });

  it('raises DRAIN_TOO_LATE once the drain is over', async () => {
    await drainAll();
    expect(() => shutdown.register(drainable())).toThrow(
      expect.objectContaining({
        code: 'DRAIN_TOO_LATE',
        message:
          "Expected 'queue' to be registered before the drain was over, got it in 'releasing'. Register it at bootstrap.",
      }),
    );
  });
});

describe('GracefulShutdown.attachServer', () => {
  it('raises DRAIN_INVALID_ARGUMENT for what is no HTTP/1.1 server', () => {
    expect(() => shutdown.attachServer({ listen: true })).toThrow(
      expect.objectContaining({
        code: 'DRAIN_INVALID_ARGUMENT',
        message: expect.stringContaining('got Object with listen.'),
      }),
    );
  });
});

describe('GracefulShutdown.onShutdown', () => {
  it('adds a hook, and takes it out again', async () => {
    const ran: string[] = [];
    shutdown.onShutdown('releasing', () => ran.push('kept'));
    shutdown.onShutdown('releasing', () => ran.push('removed'))();
    await drainAll();
    expect(ran).toEqual(['kept']);
  });

  it('raises DRAIN_INVALID_OPTION at once for an option that makes no sense', () => {
    expect(() => shutdown.onShutdown('releasing', () => undefined, { timeoutMs: NaN })).toThrow(
      /^onShutdown\(\): expected timeoutMs .* got NaN\./,
    );
  });
});

describe('GracefulShutdown.shutdown', () => {
  it('drains, and resolves with how that ended', async () => {
    await expect(shutdown.shutdown()).resolves.toBe('drained');
    expect(shutdown.phase).toBe('releasing');
  });

  it('gives the reason to the report, and joins when it is called again', async () => {
    const first = shutdown.shutdown('deploy');
    const second = shutdown.shutdown('again');
    await Promise.all([first, second]);
    core.sequence.hostClosed();
    expect(await shutdown.closed).toMatchObject({ reason: 'deploy' });
  });

  it('hands over to Nest with SIGTERM, once, where its shutdown hooks are enabled', async () => {
    process.on('SIGTERM', nestsShutdownListener());
    await Promise.all([shutdown.shutdown(), shutdown.shutdown()]);
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']]);
    // An event loop that is empty would end before the signal arrives.
    expect(clock.armedAt).toHaveLength(1);
    core.sequence.hostClosed();
    await shutdown.closed;
    await settle();
  });

  it("sends nothing where a listener of somebody else's waits for it: Nest would not hear of it", async () => {
    process.on('SIGTERM', () => undefined);
    await shutdown.shutdown();
    expect(kill).not.toHaveBeenCalled();
  });

  it('sends nothing where nobody listens: the process would die', async () => {
    await shutdown.shutdown();
    expect(kill).not.toHaveBeenCalled();
  });

  it.each<[given: number, already: number | undefined, then: number]>([
    [1, undefined, 1],
    [0, undefined, 0],
    [1, 0, 1],
    [1, 3, 3],
    [0, 3, 3],
    [256, undefined, 1],
    ['ENOENT' as unknown as number, undefined, 1],
  ])('asked for exit code %p, with %p set, leaves %p', async (exitCode, already, then) => {
    const before = process.exitCode;
    process.exitCode = already;
    await shutdown.shutdown('crash', { exitCode });
    const after = process.exitCode;
    process.exitCode = before;
    expect(after).toBe(then);
  });

  it('sets no exit code by itself', async () => {
    const before = process.exitCode;
    await shutdown.shutdown('deploy');
    expect(process.exitCode).toBe(before);
  });

  it('resolves with timed-out when work did not end', async () => {
    shutdown.lease('stuck');
    const outcome = shutdown.shutdown();
    expect(shutdown.remainingMs()).toBe(29_000);
    await clock.advance(10_100);
    await expect(outcome).resolves.toBe('timed-out');
    expect(shutdown.drainingSignal.aborted).toBe(true);
    expect(shutdown.abortSignal.aborted).toBe(true);
  });
});

describe('GracefulShutdown.rehearse', () => {
  it('resolves with the report, and the phase is running all the time', async () => {
    Logger.overrideLogger(false);
    core = new DrainCore(resolveOptions({ allowRehearsal: true }), clock, {});
    shutdown = new GracefulShutdown(core);
    const report = shutdown.rehearse({ forMs: 1_000, reason: 'before the release' });
    expect([shutdown.phase, core.probe()]).toEqual(['running', false]);
    await clock.advance(1_000);
    expect(await report).toMatchObject({ reason: 'before the release', ms: 1_000, endedBy: 'time' });
    expect([shutdown.phase, core.probe()]).toEqual(['running', true]);
  });

  it('rejects where it is not allowed', async () => {
    await expect(shutdown.rehearse({ forMs: 1_000 })).rejects.toMatchObject({ code: 'DRAIN_REHEARSAL_NOT_ALLOWED' });
  });
});

describe('GracefulShutdown.events', () => {
  it('tells every event and completes after the report', async () => {
    const told: string[] = [];
    shutdown.events.subscribe({ next: ({ type }) => told.push(type), complete: () => told.push('complete') });
    await drainAll();
    core.sequence.hostClosed();
    await settle();
    expect(told).toEqual(['phase', 'phase', 'phase', 'phase', 'report', 'complete']);
  });

  it('tells nothing to one who has unsubscribed', async () => {
    const told: string[] = [];
    shutdown.events.subscribe(({ type }) => told.push(type)).unsubscribe();
    await drainAll();
    expect(told).toEqual([]);
  });
});

describe('GracefulShutdown.snapshot', () => {
  it('counts what is in flight by kind, and what has been refused and skipped', async () => {
    const lease = shutdown.lease('import');
    const requests = ['GET /a', 'GET /b'].map((name) => core.tracker.take('request', name));
    expect(shutdown.snapshot()).toEqual({
      phase: 'running',
      inFlight: { lease: 1, request: 2 },
      refused: 0,
      skipped: 0,
      afterUnready: 0,
    });
    await drainAll();
    core.sequence.count('refused');
    core.runSkipped();
    core.runSkipped();
    for (const each of [lease, ...requests]) each.release();
    await settle();
    expect(shutdown.snapshot()).toEqual({ phase: 'releasing', inFlight: {}, refused: 1, skipped: 2, afterUnready: 0 });
  });

  it('counts handlers whose clients have gone for as long as they are waited for', () => {
    const held = { kind: 'request', name: 'GET /', startedAt: 0 };
    core.tracker.add(held);
    core.tracker.abandon(held);
    expect(shutdown.snapshot().inFlight).toEqual({ request: core.tracker.size });
  });
});

describe('GracefulShutdown.afterReport', () => {
  it('raises for what is no function', () => {
    expect(() => shutdown.afterReport('flush' as never)).toThrow(
      expect.objectContaining({
        code: 'DRAIN_INVALID_ARGUMENT',
        message: 'Expected afterReport() to be given a function, got flush. Give it what is to be run.',
      }),
    );
  });
});
