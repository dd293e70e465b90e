import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import { DrainCore } from '../../src/drain-core.js';
import { type GracefulShutdownOptions } from '../../src/options/options.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { Handover } from '../../src/platform/handover.js';
import { type SharedSocket } from '../../src/platform/shared-socket.js';
import { type ShutdownTrigger } from '../../src/sequence/sequence-parts.js';
import { FakeClock, settle } from '../support/fake-clock.js';

const sigterm: ShutdownTrigger = { reason: 'signal SIGTERM', signal: 'SIGTERM', isHostClosing: true };
const sigint: ShutdownTrigger = { reason: 'signal SIGINT', signal: 'SIGINT', isHostClosing: true };
const closing: ShutdownTrigger = { reason: 'app.close()', isHostClosing: true };
const kubernetes = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };

let clock: FakeClock;
let core: DrainCore;
beforeEach(() => {
  clock = new FakeClock();
});
afterEach(() => clock.assertNoTimerLeft());

function given(options: GracefulShutdownOptions = {}, environment: NodeJS.ProcessEnv = {}): DrainCore {
  return (core = new DrainCore(resolveOptions(options), clock, environment));
}

/** How long the lame duck of a shutdown takes, without traffic. */
async function lameDuckMs(trigger: ShutdownTrigger): Promise<number> {
  void core.sequence.begin(trigger);
  await clock.advance(20_000);
  core.sequence.hostClosed();
  const { phases } = await core.sequence.closed;
  return phases[0]!.ms;
}

describe('The lame duck', () => {
  it('is skipped by SIGTERM outside of Kubernetes when nobody has ever probed', async () => {
    given();
    expect(await lameDuckMs(sigterm)).toBe(0);
  });

  it('is gone through by SIGTERM under Kubernetes', async () => {
    given({}, kubernetes);
    expect(await lameDuckMs(sigterm)).toBe(5_000);
  });

  const worker = { name: 'worker', drain: () => Promise.resolve(), forceClose: () => Promise.resolve([]) };
  const server = { ...worker, name: 'server', announce: () => undefined };
  it.each([
    ['and skipped where all there is takes its work from a queue or a broker', [worker], 0],
    ['and beside a queue where somebody has to be told to leave', [worker, server], 5_000],
  ])('is gone through by SIGTERM under Kubernetes, %s', async (_, drainables, ms) => {
    given({}, kubernetes);
    for (const drainable of drainables) core.sequence.add(drainable);
    expect(await lameDuckMs(sigterm)).toBe(ms);
  });

  it('is gone through by SIGTERM when readiness has ever been probed, and waits for a probe that sees it fail', async () => {
    given();
    core.probe();
    void core.sequence.begin(sigterm);
    await clock.advance(7_000);
    expect(core.phase).toBe('lame-duck');
    core.probe();
    await settle();
    expect(core.phase).toBe('releasing');
    core.sequence.hostClosed();
    await settle();
  });

  it('takes its maximum when the probes stop', async () => {
    given();
    core.probe();
    expect(await lameDuckMs(sigterm)).toBe(10_000);
  });

  it.each([
    ['SIGINT', sigint],
    ['app.close()', closing],
    ['shutdown()', { ...closing, isHostClosing: false, reason: 'shutdown()' }],
  ])('is skipped by %s on auto, so that tests and Ctrl-C are instant', async (_, trigger) => {
    given({}, kubernetes);
    core.probe();
    expect(await lameDuckMs(trigger)).toBe(0);
  });

  it.each([
    ['SIGTERM', sigterm],
    ['SIGINT', sigint],
    ['app.close()', closing],
  ])('is gone through by %s when it is given, and waits for no probe', async (_, trigger) => {
    given({ lameDuck: { minMs: 300, quietMs: 0, maxMs: 600 } });
    core.probe();
    expect(await lameDuckMs(trigger)).toBe(300);
  });

  it('is skipped by all when it is off', async () => {
    given({ lameDuck: false }, kubernetes);
    core.probe();
    expect(await lameDuckMs(sigterm)).toBe(0);
  });

  it('waits for no probe to fail where readiness holds through it', async () => {
    given({ readiness: 'after-lame-duck' });
    core.probe();
    expect(await lameDuckMs(sigterm)).toBe(5_000);
  });
});

describe('Readiness', () => {
  async function readinessByPhase(options: GracefulShutdownOptions): Promise<Record<string, boolean>> {
    given({ lameDuck: { minMs: 100, maxMs: 100 }, ...options });
    const lease = core.tracker.take('request', 'GET /');
    const seen = { [core.phase]: core.probe() };
    void core.sequence.begin(closing);
    seen[core.phase] = core.probe();
    await clock.advance(100);
    seen[core.phase] = core.probe();
    lease.release();
    await settle();
    seen[core.phase] = core.probe();
    core.sequence.hostClosed();
    await settle();
    seen[core.phase] = core.probe();
    return seen;
  }

  it('fails from the first instant of the lame duck', async () => {
    expect(await readinessByPhase({})).toEqual({
      running: true,
      'lame-duck': false,
      draining: false,
      releasing: false,
      closed: false,
    });
  });

  it('fails from the start of draining where that is asked for', async () => {
    expect(await readinessByPhase({ readiness: 'after-lame-duck' })).toEqual({
      running: true,
      'lame-duck': true,
      draining: false,
      releasing: false,
      closed: false,
    });
  });
});

describe('A rehearsal', () => {
  it('fails readiness in phase running, whatever the option readiness says, and lets it pass afterwards', async () => {
    given({ allowRehearsal: true, readiness: 'after-lame-duck' });
    const report = core.rehearsal.start({ forMs: 1_000 });
    expect([core.phase, core.isRehearsing, core.probe()]).toEqual(['running', true, false]);
    await clock.advance(1_000);
    expect([core.isRehearsing, core.probe()]).toEqual([false, true]);
    expect((await report).probes.seen).toBe(1);
  });

  it('is over when a shutdown begins, whose lame duck has its own time and waits for a probe of its own', async () => {
    given({ allowRehearsal: true });
    const report = core.rehearsal.start({ forMs: 30_000 });
    core.probe();
    await clock.advance(4_000);
    void core.sequence.begin(sigterm);
    expect([core.phase, core.isRehearsing, core.probes.failureSeen.aborted]).toEqual(['lame-duck', false, false]);
    expect(await report).toMatchObject({ endedBy: 'shutdown', ms: 4_000 });
    await clock.advance(7_000);
    expect(core.phase).toBe('lame-duck');
    core.probe();
    await settle();
    core.sequence.hostClosed();
    expect((await core.sequence.closed).phases[0]).toEqual({ phase: 'lame-duck', ms: 7_000 });
  });

  it('is refused without the option', () => {
    given();
    expect(() => core.rehearsal.start({ forMs: 1_000 })).toThrow(
      expect.objectContaining({ code: 'DRAIN_REHEARSAL_NOT_ALLOWED' }),
    );
  });
});

describe('DrainCore', () => {
  it('refuses from the start of draining', async () => {
    given({ lameDuck: { minMs: 100, maxMs: 100 } });
    void core.sequence.begin(closing);
    expect(core.isRefusing).toBe(false);
    await clock.advance(100);
    expect(core.isRefusing).toBe(true);
    core.sequence.hostClosed();
    await settle();
  });

  it('learns the route whose handler probes', () => {
    given();
    core.readiness.watch({ method: 'GET', pattern: '/ready', isHealth: false }, () => core.probe());
    expect(core.healthRoutes.couldMatch('GET', '/ready')).toBe(true);
  });

  it('bounds hooks by hookTimeoutMs', () => {
    given({ hookTimeoutMs: 1_234 }).hooks.add('releasing', () => undefined);
    expect(core.hooks.longestMs('releasing')).toBe(1_234);
  });

  it('fits its parts into what the platform grants, and reports that, where nobody gives the number', async () => {
    given({}, { K_SERVICE: 'orders' });
    core.probe();
    core.hooks.add('releasing', () => undefined);
    const lease = core.tracker.take('request', 'GET /');
    void core.sequence.begin(sigterm);
    await clock.advance(2_249);
    expect(core.phase).toBe('lame-duck');
    await clock.advance(1);
    expect(core.phase).toBe('draining');
    expect(core.sequence.remainingMs()).toBe(4_500);
    lease.release();
    core.sequence.hostClosed();
    await settle();
    const source = expect.stringContaining('Google Cloud Run');
    expect(await core.sequence.closed).toMatchObject({ gracePeriod: { ms: 10_000, source } });
  });

  it('takes its budget from the options', async () => {
    given({ drainTimeoutMs: 2_000, gracePeriodMs: 5_000 });
    const lease = core.tracker.take('request', 'GET /');
    void core.sequence.begin(closing);
    expect(clock.armedAt).toContain(4_000);
    await settle();
    expect(core.sequence.remainingMs()).toBe(2_000);
    lease.release();
    core.sequence.hostClosed();
    await settle();
  });
});

describe('A process that shares its socket', () => {
  function share(socket: SharedSocket, options: GracefulShutdownOptions = {}, environment: NodeJS.ProcessEnv = {}) {
    core = new DrainCore(resolveOptions(options), clock, environment, false, socket);
    core.servers.attach(createServer());
    return core;
  }

  /** Readiness in the lame duck, and how long that lasts without a client. */
  async function leave(trigger: ShutdownTrigger): Promise<{ isReady: boolean; ms: number }> {
    core.probe();
    void core.sequence.begin(trigger);
    await settle();
    const { isReady } = core;
    await clock.advance(20_000);
    core.sequence.hostClosed();
    const { phases } = await core.sequence.closed;
    return { isReady, ms: phases[0]!.ms };
  }

  it.each([
    ['cluster', sigterm],
    ['cluster', sigint],
    ['socket-activation', sigterm],
    ['supervisor', sigterm],
  ] as const)('stays ready, and goes when no client is left (%s, %#)', async (socket, trigger) => {
    share(socket);
    expect(await leave(trigger)).toEqual({ isReady: true, ms: 500 });
  });

  it.each([
    ['a stop of the platform', true, 10_000],
    ['Ctrl-C', false, 0],
  ])('takes SIGINT for %s (under PM2: %p)', async (_, isUnderPm2, ms) => {
    core = new DrainCore(resolveOptions(), clock, kubernetes, false, undefined, undefined, isUnderPm2);
    core.servers.attach(createServer());
    expect((await leave(sigint)).ms).toBe(ms);
  });

  it('is ready until the drain is over', async () => {
    share('cluster', { lameDuck: false });
    const lease = core.tracker.take('request', 'GET /');
    void core.sequence.begin(sigterm);
    await settle();
    expect([core.phase, core.isReady]).toEqual(['draining', true]);
    lease.release();
    await settle();
    for (let turn = 0; turn < 20; turn++) await settle();
    expect([core.phase, core.isReady]).toEqual(['releasing', false]);
    core.sequence.hostClosed();
    await settle();
  });

  it('goes at once on app.close()', async () => {
    share('cluster');
    expect((await leave(closing)).ms).toBe(0);
  });

  it('is unready, as others are, in a container that its platform stops as a whole', async () => {
    share('cluster', { lameDuck: { minMs: 300, quietMs: 0, maxMs: 600 } }, kubernetes);
    expect(await leave(sigint)).toEqual({ isReady: false, ms: 300 });
  });

  it('stays ready there, too, when the primary process takes out this one alone', async () => {
    share('cluster', {}, kubernetes);
    core.takenOut();
    expect(await leave(sigterm)).toEqual({ isReady: true, ms: 500 });
  });

  it.each([
    [true, { isReady: false, ms: 300 }],
    [false, { isReady: true, ms: 500 }],
  ])('is told by its supervisor whether all stop, there too: %s', async (isGroupStopping, left) => {
    const supervised = { isGroupStopping: false, drainsItself: true };
    const options = resolveOptions({ lameDuck: { minMs: 300, quietMs: 0, maxMs: 600 } });
    core = new DrainCore(
      options,
      clock,
      kubernetes,
      false,
      'supervisor',
      new Handover('supervisor', kubernetes, supervised),
    );
    core.servers.attach(createServer());
    supervised.isGroupStopping = isGroupStopping;
    expect(await leave(sigterm)).toEqual(left);
  });

  it('stays no longer than lameDuck.maxMs', async () => {
    share('cluster', { lameDuck: { maxMs: 200 } });
    expect((await leave(sigterm)).ms).toBe(200);
  });
});
