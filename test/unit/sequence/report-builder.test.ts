import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Interrupter } from '../../../src/sequence/interruption.js';
import { type ShutdownPhase } from '../../../src/sequence/phase.js';
import { type HookReport, type ShutdownReport } from '../../../src/sequence/report.js';
import { ReportBuilder } from '../../../src/sequence/report-builder.js';
import { type ShutdownEvent, ShutdownEvents } from '../../../src/sequence/events.js';
import { Traffic } from '../../../src/sequence/traffic.js';
import { FakeClock } from '../../support/fake-clock.js';

const gracePeriod = { ms: 30_000, source: 'Kubernetes', isAssumed: true };

let clock: FakeClock;
let events: ShutdownEvents;
let traffic: Traffic;
let inFlight: { size: number; finished: number };
let builder: ReportBuilder;

beforeEach(() => {
  clock = new FakeClock();
  events = new ShutdownEvents();
  traffic = new Traffic(clock);
  inFlight = { size: 0, finished: 0 };
  builder = new ReportBuilder({ clock, traffic, inFlight, events });
});

const hook = (over: Partial<HookReport> = {}): HookReport => ({
  name: 'Cache.flush',
  phase: 'releasing',
  ms: 12,
  outcome: 'fulfilled',
  ...over,
});

async function phase(name: ShutdownPhase, ms: number): Promise<void> {
  builder.enter(name);
  await clock.advance(ms);
}

interface Course {
  readonly lameDuckMs?: number;
  readonly during?: () => Promise<void>;
  readonly isLate?: boolean;
  /** What ends the waiting, and in which phase. */
  readonly interrupted?: readonly [by: Interrupter, at: ShutdownPhase];
}

/** A lame duck of 5 s in which what `during` says happens, a drain of 1 s, and the end. */
async function shutdownWith(course: Course = {}) {
  const { lameDuckMs = 5_000, during, isLate = false, interrupted } = course;
  const enter = (phase: ShutdownPhase): void => {
    builder.enter(phase);
    if (interrupted?.[1] === phase) builder.interrupted(interrupted[0], 'somebody');
  };
  builder.begin('signal SIGTERM', gracePeriod);
  traffic.becomeUnready();
  enter('lame-duck');
  await during?.();
  await clock.advanceTo(lameDuckMs);
  enter('draining');
  await clock.advance(1_000);
  builder.drainEnded(isLate);
  enter('releasing');
  enter('closed');
  return (): ShutdownReport => builder.build();
}

describe('ReportBuilder', () => {
  it('gives a clean report without advice when nothing went wrong', async () => {
    inFlight = Object.assign(inFlight, { size: 3, finished: 100 });
    await clock.advance(250);
    builder.begin('signal SIGTERM', gracePeriod);
    traffic.becomeUnready();
    await phase('lame-duck', 5_000);
    await phase('draining', 120);
    inFlight.finished = 104;
    builder.drainEnded(false);
    inFlight.finished = 105;
    await phase('releasing', 30);
    builder.hookSettled(hook());
    builder.enter('closed');
    expect(builder.build()).toEqual({
      reason: 'signal SIGTERM',
      outcome: 'drained',
      endedBy: 'host',
      gracePeriod: { ms: 30_000, source: 'Kubernetes' },
      clean: true,
      startedAt: '2026-01-01T00:00:00.250Z',
      totalMs: 5_150,
      phases: [
        { phase: 'lame-duck', ms: 5_000 },
        { phase: 'draining', ms: 120 },
        { phase: 'releasing', ms: 30 },
      ],
      inFlight: { atSignal: 3, finished: 4 },
      refused: 0,
      skipped: 0,
      afterUnready: { count: 0 },
      leftovers: [],
      hooks: [hook()],
      advice: [],
    });
  });

  it('is plain data', async () => {
    builder.drainableFailed('queue', 'no broker');
    builder.hookSettled(hook({ outcome: 'rejected', error: 'no disk' }));
    const report = (await shutdownWith())();
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('rounds to whole milliseconds', async () => {
    builder.begin('app.close()', gracePeriod);
    await phase('lame-duck', 0.4);
    await phase('draining', 10.6);
    builder.enter('releasing');
    expect(builder.build()).toMatchObject({
      totalMs: 11,
      phases: [
        { phase: 'lame-duck', ms: 0 },
        { phase: 'draining', ms: 11 },
      ],
    });
  });

  it.each(['rejected', 'timed-out'] as const)('is unclean when a hook has %s', async (outcome) => {
    builder.hookSettled(hook({ outcome }));
    expect((await shutdownWith())()).toMatchObject({ outcome: 'drained', clean: false });
  });

  it('is unclean when a drainable has failed, and names it', async () => {
    builder.drainableFailed('queue', 'no broker');
    expect((await shutdownWith())()).toMatchObject({
      outcome: 'drained',
      clean: false,
      leftovers: [{ kind: 'drainable', name: 'queue', detail: 'failed to drain: no broker' }],
    });
  });

  it('is unclean when the drain has timed out', async () => {
    expect((await shutdownWith({ isLate: true }))()).toMatchObject({
      outcome: 'timed-out',
      endedBy: 'host',
      clean: false,
    });
  });

  it.each([
    ['second-signal', 'lame-duck', 'forced'],
    ['second-signal', 'draining', 'forced'],
    ['second-signal', 'releasing', 'drained'],
    ['hard-stop', 'lame-duck', 'timed-out'],
    ['hard-stop', 'draining', 'timed-out'],
    ['hard-stop', 'releasing', 'drained'],
  ] as const)('is unclean when a %s came in %s, and the drain is %s', async (by, at, outcome) => {
    const report = await shutdownWith({ interrupted: [by, at] });
    expect(report()).toMatchObject({ outcome, endedBy: by, clean: false });
  });

  it('calls a drain that a second signal ended past its deadline forced', async () => {
    const report = await shutdownWith({ isLate: true, interrupted: ['second-signal', 'draining'] });
    expect(report()).toMatchObject({ outcome: 'forced' });
  });

  it('keeps the outcome of the drain, whatever comes after it', async () => {
    const report = await shutdownWith({ isLate: true, interrupted: ['second-signal', 'releasing'] });
    expect(report()).toMatchObject({ outcome: 'timed-out', endedBy: 'second-signal' });
  });

  it('is unclean after the hard stop, even if nothing is left that keeps the event loop alive', async () => {
    const resources = jest.spyOn(process, 'getActiveResourcesInfo').mockReturnValue([]);
    const report = await shutdownWith({ interrupted: ['hard-stop', 'releasing'] });
    resources.mockRestore();
    expect(report()).toMatchObject({ clean: false, leftovers: [] });
  });

  it('names what keeps the event loop alive after the hard stop, and not after a second signal', async () => {
    const resources = jest.spyOn(process, 'getActiveResourcesInfo').mockReturnValue(['Timeout', 'Timeout']);
    const stopped = (await shutdownWith({ interrupted: ['hard-stop', 'releasing'] }))();
    builder = new ReportBuilder({ clock, traffic, inFlight, events });
    const forced = (await shutdownWith({ lameDuckMs: 10_000, interrupted: ['second-signal', 'releasing'] }))();
    resources.mockRestore();
    expect(stopped.leftovers).toMatchObject([
      { kind: 'resource', name: 'Timeout', detail: '2 keep the event loop alive' },
    ]);
    expect(forced.leftovers).toEqual([]);
  });

  it('is unclean when a part of the shutdown has failed, and names each error once', async () => {
    const seen: ShutdownEvent[] = [];
    events.subscribe((event) => seen.push(event));
    builder.partFailed('hooks', 'broken');
    builder.partFailed('hooks', 'broken');
    builder.partFailed('hooks', 'still broken');
    expect((await shutdownWith())()).toMatchObject({
      outcome: 'drained',
      clean: false,
      leftovers: [
        { kind: 'shutdown', name: 'hooks', detail: 'failed: broken' },
        { kind: 'shutdown', name: 'hooks', detail: 'failed: still broken' },
      ],
    });
    expect(seen.filter(({ type }) => type === 'problem')).toEqual([
      { type: 'problem', message: "The shutdown's hooks failed: broken" },
      { type: 'problem', message: "The shutdown's hooks failed: still broken" },
    ]);
  });

  it('says of work past the deadline that has not been cut that it ended by itself', async () => {
    builder.deadlinePassed([{ kind: 'request', name: 'GET /slow', ageMs: 10_000 }]);
    expect((await shutdownWith({ isLate: true }))().leftovers).toEqual([
      { kind: 'request', name: 'GET /slow', ageMs: 10_000, detail: 'ended once its abort signal had fired' },
    ]);
  });

  it('names work once that a lease has named, and with what its drainable says of it', async () => {
    const job = { kind: 'job', name: 'orders:ship', ageMs: 1_000 };
    const handedBack = { ...job, ageMs: 1_002, detail: 'handed back' };
    const during = async () => {
      builder.cut([job, job, { ...job, name: 'orders:bill' }]);
      builder.cut([handedBack, handedBack, handedBack]);
    };
    const report = await shutdownWith({ during, isLate: true });
    expect(report().leftovers).toEqual([handedBack, handedBack, { ...job, name: 'orders:bill' }, handedBack]);
  });

  it('names what was cut in the place of what was left at the deadline', async () => {
    builder.deadlinePassed([{ kind: 'request', name: 'GET /slow', ageMs: 10_000 }]);
    builder.cut([{ kind: 'request', name: 'GET /slow', ageMs: 10_100 }]);
    expect((await shutdownWith({ isLate: true }))().leftovers).toEqual([
      { kind: 'request', name: 'GET /slow', ageMs: 10_100 },
    ]);
  });
});

describe('Advice', () => {
  it('says that the lame duck is too short when requests still came after it', async () => {
    const report = await shutdownWith();
    traffic.arrivedUnready(true);
    expect(report().advice).toEqual([
      'Requests still arrived 6.0 s after readiness failed, on new connections: the balancer may not watch it, ' +
        'or lameDuck.maxMs is too short (the lame duck took 5.0 s).',
    ]);
  });

  it('says that lame duck is off when requests came and there was none', async () => {
    const report = await shutdownWith({ lameDuckMs: 0 });
    traffic.arrivedUnready(true);
    expect(report().advice).toEqual([
      'Requests still arrived 1.0 s after readiness failed, on new connections: the balancer may not watch it, and lame duck is off.',
    ]);
  });

  it('is silent about requests that arrived within the lame duck: that is what it is for', async () => {
    const during = async () => {
      await clock.advance(2_000);
      traffic.arrivedUnready(true);
    };
    expect((await shutdownWith({ during }))().advice).toEqual([]);
  });

  it('says that late requests were refused on old connections', async () => {
    builder.refused = 3;
    expect((await shutdownWith())().advice).toEqual([
      '3 late request(s) were refused: traffic had not left when draining began, 5.0 s after readiness failed. ' +
        'Let the balancer watch readiness, or lengthen lameDuck.minMs.',
    ]);
  });

  it('says what was left at the drain deadline: at most three, each once', async () => {
    builder.cut(['/a', '/a', '/b', '/c', '/d'].map((path) => ({ kind: 'request', name: `GET ${path}`, ageMs: 1_000 })));
    expect((await shutdownWith({ isLate: true }))().advice).toEqual([
      'The drain deadline passed after 1.0 s with work left (request GET /a, request GET /b, request GET /c): ' +
        'raise drainTimeoutMs, or end that work when GracefulShutdown.abortSignal fires.',
    ]);
  });

  it('is silent about the drain deadline when a second signal ended the drain', async () => {
    builder.cut([{ kind: 'request', name: 'GET /a', ageMs: 1_000 }]);
    expect((await shutdownWith({ isLate: true, interrupted: ['second-signal', 'draining'] }))().advice).toEqual([]);
  });

  it('says which hook did not settle in time', async () => {
    builder.hookSettled(hook({ outcome: 'timed-out', ms: 5_000 }));
    expect((await shutdownWith())().advice).toEqual([
      'The hook Cache.flush did not settle within 5.0 s: raise its timeoutMs, or let it stop when its deadline aborts.',
    ]);
  });

  it('is silent about a hook that rejects: its error says more', async () => {
    builder.hookSettled(hook({ outcome: 'rejected', error: 'no disk' }));
    expect((await shutdownWith())().advice).toEqual([]);
  });

  it("says that Nest's destroy hooks hang when the hard stop came in releasing", async () => {
    expect((await shutdownWith({ interrupted: ['hard-stop', 'releasing'] }))().advice).toEqual([
      "Nest's own destroy hooks, or those of a provider, did not end before the hard stop: look at the resources left over.",
    ]);
  });

  it.each(['lame-duck', 'draining'] as const)(
    'says that the budget is too small when the hard stop came in %s',
    async (at) => {
      expect((await shutdownWith({ interrupted: ['hard-stop', at] }))().advice).toEqual([
        `The hard stop came during '${at}': gracePeriodMs is too short for lameDuck, drainTimeoutMs and the hooks together.`,
      ]);
    },
  );
});
