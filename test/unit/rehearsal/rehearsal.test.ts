import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ShutdownEvents } from '../../../src/sequence/events.js';
import { type ShutdownPhase } from '../../../src/sequence/phase.js';
import { Rehearsal, type RehearsalOptions, type RehearsalParts } from '../../../src/rehearsal/rehearsal.js';
import { FakeClock } from '../../support/fake-clock.js';

let clock: FakeClock;
let events: ShutdownEvents;
let announced: string[];
let inFlight: { size: number };
let neededQuietMs: number;
let phase: ShutdownPhase;

beforeEach(() => {
  clock = new FakeClock();
  events = new ShutdownEvents();
  announced = [];
  inFlight = { size: 0 };
  neededQuietMs = 1_000;
  phase = 'running';
});
afterEach(() => clock.assertNoTimerLeft());

function given(over: Partial<RehearsalParts> = {}): Rehearsal {
  return new Rehearsal({
    clock,
    events,
    inFlight,
    traffic: { effectiveQuietMs: () => neededQuietMs },
    isAllowed: true,
    phase: () => phase,
    announce: () => {
      announced.push('announced');
      return () => announced.push('retracted');
    },
    ...over,
  });
}

function shutdownBegins(): void {
  phase = 'lame-duck';
  events.emit({ type: 'phase', phase, previous: 'running', reason: 'test', elapsedMs: 0, inFlight: 0 });
}

const refusal = (code: string) => expect.objectContaining({ code });

describe('Rehearsal', () => {
  it('tells that readiness differs as it begins and as it has ended', async () => {
    const seen: boolean[] = [];
    const rehearsal = given({ changed: () => void seen.push(rehearsal.isRunning) });
    void rehearsal.start({ forMs: 1_000 });
    await clock.advance(1_000);
    expect(seen).toEqual([true, false]);
  });

  it('lasts as long as it was asked to, and leaves nothing behind', async () => {
    const rehearsal = given();
    const report = rehearsal.start({ forMs: 5_000, reason: 'before the release' });
    expect({ isRunning: rehearsal.isRunning, announced }).toEqual({ isRunning: true, announced: ['announced'] });
    await clock.advance(4_999);
    expect(rehearsal.isRunning).toBe(true);
    await clock.advance(1);
    expect({ isRunning: rehearsal.isRunning, announced }).toEqual({
      isRunning: false,
      announced: ['announced', 'retracted'],
    });
    expect(await report).toMatchObject({
      reason: 'before the release',
      startedAt: new Date(FakeClock.epoch).toISOString(),
      requestedMs: 5_000,
      ms: 5_000,
      endedBy: 'time',
    });
  });

  it('is ended at once by a shutdown, before that announces anything', async () => {
    const rehearsal = given();
    const report = rehearsal.start({ forMs: 5_000 });
    await clock.advance(1_200);
    shutdownBegins();
    expect({ isRunning: rehearsal.isRunning, announced }).toEqual({
      isRunning: false,
      announced: ['announced', 'retracted'],
    });
    expect(await report).toMatchObject({ reason: 'rehearse()', requestedMs: 5_000, ms: 1_200, endedBy: 'shutdown' });
    events.emit({ type: 'deadline', inFlight: 0 });
    expect(announced).toHaveLength(2);
  });

  it('is not ended by anything else that happens', async () => {
    const rehearsal = given();
    const report = rehearsal.start({ forMs: 5_000 });
    events.emit({ type: 'problem', message: 'something' });
    expect(rehearsal.isRunning).toBe(true);
    await clock.advance(5_000);
    expect(await report).toMatchObject({ endedBy: 'time' });
  });

  it('can be repeated', async () => {
    const rehearsal = given();
    for (const run of [1, 2]) {
      const report = rehearsal.start({ forMs: 100 });
      rehearsal.requestArrived(clock.now());
      await clock.advance(100);
      expect(await report).toMatchObject({ requests: 1, newConnections: 1 });
      expect(announced).toHaveLength(2 * run);
    }
  });

  it('is refused without the option that allows it, and says which', () => {
    const rehearsal = given({ isAllowed: false });
    expect(() => rehearsal.start({ forMs: 100 })).toThrow(refusal('DRAIN_REHEARSAL_NOT_ALLOWED'));
    expect(() => rehearsal.start({ forMs: 100 })).toThrow(/set allowRehearsal: true/);
    expect(announced).toEqual([]);
  });

  it.each(['lame-duck', 'draining', 'releasing', 'closed'] as const)('is refused in %s', (reached) => {
    phase = reached;
    expect(() => given().start({ forMs: 100 })).toThrow(refusal('DRAIN_TOO_LATE'));
    expect(announced).toEqual([]);
  });

  it('is refused while another one runs, which goes on', async () => {
    const rehearsal = given();
    const report = rehearsal.start({ forMs: 100 });
    expect(() => rehearsal.start({ forMs: 200 })).toThrow(refusal('DRAIN_REHEARSAL_RUNNING'));
    expect(announced).toEqual(['announced']);
    await clock.advance(100);
    expect(await report).toMatchObject({ requestedMs: 100 });
  });

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 31, '100', undefined])('is refused for %p ms', (forMs) => {
    expect(() => given().start({ forMs } as RehearsalOptions)).toThrow(refusal('DRAIN_INVALID_ARGUMENT'));
  });

  it('is refused without options', () => {
    expect(() => given().start(undefined as never)).toThrow(refusal('DRAIN_INVALID_ARGUMENT'));
  });
});

describe('RehearsalReport', () => {
  /** A rehearsal of ten seconds: a probe after `probedAt`, requests on new connections at the given instants. */
  async function rehearsed(probedAt: number | undefined, newConnectionsAt: readonly number[], forMs = 10_000) {
    const rehearsal = given();
    const report = rehearsal.start({ forMs });
    const instants = [...new Set([...(probedAt === undefined ? [] : [probedAt]), ...newConnectionsAt])];
    for (const at of instants.sort((a, b) => a - b)) {
      await clock.advanceTo(at);
      if (at === probedAt) rehearsal.probed();
      if (newConnectionsAt.includes(at)) rehearsal.requestArrived(at);
    }
    await clock.advanceTo(forMs);
    return report;
  }

  it('tells the lag of the platform, and what minMs should be by it', async () => {
    expect(await rehearsed(400, [100, 900, 2_130])).toMatchObject({
      requests: 3,
      newConnections: 3,
      lastNewConnectionMs: 2_130,
      probes: { seen: 1, firstFailureSeenMs: 400 },
      suggestedMinMs: 3_500,
      advice: [],
    });
  });

  it('takes the first failed probe for the lag where that came later: nobody leaves before', async () => {
    expect(await rehearsed(3_000, [1_000])).toMatchObject({ suggestedMinMs: 4_000 });
  });

  it('counts requests on connections from before apart', async () => {
    await clock.advance(1_000);
    const rehearsal = given();
    const report = rehearsal.start({ forMs: 5_000 });
    rehearsal.probed();
    rehearsal.requestArrived(999);
    await clock.advance(10);
    rehearsal.requestArrived(1_000);
    await clock.advance(4_990);
    expect(await report).toMatchObject({ requests: 2, newConnections: 1, lastNewConnectionMs: 10 });
  });

  it('suggests nothing when nothing was quiet at the end', async () => {
    const report = await rehearsed(100, [500, 9_500]);
    expect(report).not.toHaveProperty('suggestedMinMs');
    expect(report.advice).toEqual([expect.stringContaining('came 500 ms before the end, and 1000 ms')]);
  });

  it('wants the longer quiet that low traffic needs', async () => {
    neededQuietMs = 8_000;
    const report = await rehearsed(100, [2_500]);
    expect(report).not.toHaveProperty('suggestedMinMs');
    expect(report.advice).toEqual([expect.stringContaining('8000 ms without one are needed')]);
  });

  it('suggests nothing when nobody asked, or nobody came, and says so', async () => {
    const report = await rehearsed(undefined, []);
    expect(report).not.toHaveProperty('suggestedMinMs');
    expect(report).not.toHaveProperty('lastNewConnectionMs');
    expect(report.probes).toEqual({ seen: 0, by: [] });
    expect(report.advice).toEqual([
      expect.stringContaining('No probe asked in 10000 ms'),
      expect.stringContaining('No request arrived'),
    ]);
  });

  it('tells who was answered with a failure, at most twenty of them', async () => {
    const rehearsal = given();
    const report = rehearsal.start({ forMs: 1_000 });
    rehearsal.probeAnswered('GET /health/ready', 'kube-probe/1.31');
    rehearsal.probeAnswered('GET /health/ready', 'kube-probe/1.31');
    rehearsal.probeAnswered('GET /health/ready', undefined);
    for (let each = 0; each < 30; each++) rehearsal.probeAnswered('GET /health/ready', `scanner ${each}`);
    await clock.advance(1_000);
    const { by } = (await report).probes;
    expect(by.slice(0, 2)).toEqual([
      { name: 'GET /health/ready', userAgent: 'kube-probe/1.31', count: 2 },
      { name: 'GET /health/ready', userAgent: undefined, count: 1 },
    ]);
    expect(by).toHaveLength(20);
  });

  it('tells what was in flight at the start, at the end and at most', async () => {
    inFlight.size = 2;
    const rehearsal = given();
    const report = rehearsal.start({ forMs: 1_000 });
    inFlight.size = 6;
    rehearsal.requestArrived(0);
    inFlight.size = 1;
    rehearsal.requestArrived(0);
    await clock.advance(1_000);
    expect((await report).inFlight).toEqual({ atStart: 2, atEnd: 1, max: 7 });
  });

  it('hears of nothing while none runs', async () => {
    const rehearsal = given();
    rehearsal.probed();
    rehearsal.probeAnswered('GET /', undefined);
    rehearsal.requestArrived(0);
    const report = rehearsal.start({ forMs: 1 });
    await clock.advance(1);
    expect(await report).toMatchObject({ requests: 0, probes: { seen: 0, by: [] } });
  });
});
