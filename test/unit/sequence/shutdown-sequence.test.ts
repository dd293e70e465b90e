import { afterEach, describe, expect, it } from '@jest/globals';
import { type Leftover } from '../../../src/sequence/drainable.js';
import { settle } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { byHand, closing, never, SequenceUnderTest, sigterm } from './sequence-under-test.js';

let shutdown: SequenceUnderTest;

function given(...setup: ConstructorParameters<typeof SequenceUnderTest>): SequenceUnderTest {
  return (shutdown = new SequenceUnderTest(...setup));
}

// Every test brings its shutdown to an end: a timer that is left would hold the process open.
afterEach(() => {
  shutdown.clock.assertNoTimerLeft();
});

describe('ShutdownSequence', () => {
  it('runs until something begins it', () => {
    const { sequence } = given();
    expect(sequence.phase).toBe('running');
    expect(sequence.drainingSignal.aborted).toBe(false);
    expect(sequence.abortSignal.aborted).toBe(false);
  });

  it('announces, refuses, drains, closes, runs the releasing hooks, and only then releases the host', async () => {
    const { sequence, hooks, log, clock, drainable } = withDrainables();
    drainable('server');
    for (const phase of ['lame-duck', 'draining', 'releasing'] as const)
      hooks.add(phase, () => log.push(`hook ${phase}`));
    void sequence.begin(closing);
    await clock.advance(100);
    expect(sequence.phase).toBe('releasing');
    await shutdown.end();
    await settle();
    expect(log.filter((line) => !line.startsWith('drained:'))).toEqual([
      'phase lame-duck',
      'server announce',
      'hook lame-duck',
      'phase draining',
      'server drain',
      'hook draining',
      'server close',
      'phase releasing',
      'hook releasing',
      'released',
      'phase closed',
      'closed',
    ]);
  });

  it('closes the drainables once the drain of all of them is over', async () => {
    const { sequence, log, drainable } = withDrainables();
    const busy = new Gate();
    drainable('idle');
    drainable('busy', { gate: busy });
    void sequence.begin(closing);
    await settle();
    expect(log).toContain('idle drain');
    expect(log).not.toContain('idle close');
    busy.release();
    await shutdown.end();
    expect(log).toContain('idle close');
  });

  it('holds the release of the host back until the drainables have closed', async () => {
    const { sequence, log, drainable } = withDrainables();
    const closed = new Gate();
    drainable('server', { close: () => closed.pass() });
    void sequence.begin(closing);
    await settle();
    expect(log).not.toContain('released');
    closed.release();
    await shutdown.end();
    expect(log).toContain('released');
  });

  it('does without the members that a drainable leaves out', async () => {
    const { sequence } = withDrainables();
    sequence.add({ name: 'bare', drain: async () => undefined, forceClose: async () => [] });
    void sequence.begin(closing);
    expect(await shutdown.end()).toMatchObject({ clean: true });
  });

  it('names what a drainable had to cut on the way, in a drain that ends well too', async () => {
    const { sequence, drainable } = withDrainables();
    const client: Leftover = { kind: 'websocket', name: 'ws server /', ageMs: 5 };
    drainable('server', { drain: async () => [client] });
    drainable('of the user', { drain: (async () => 'done') as never });
    void sequence.begin(closing);
    expect(await shutdown.end()).toMatchObject({ outcome: 'drained', clean: true, leftovers: [client] });
  });

  it('waits for the last lease', async () => {
    const { sequence, tracker } = given();
    const lease = tracker.take('request', 'GET /');
    void sequence.begin(closing);
    await settle();
    expect(sequence.phase).toBe('draining');
    lease.release();
    expect(await shutdown.end()).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
  });

  it('waits for a lease that was taken while draining', async () => {
    const { sequence, tracker, log } = given();
    const first = tracker.take('request', 'GET /');
    void sequence.begin(closing);
    await settle();
    const second = tracker.take('task', 'after the answer');
    first.release();
    await settle();
    expect(log).not.toContain('drained: drained');
    second.release();
    expect(await shutdown.end()).toMatchObject({ outcome: 'drained' });
  });

  it('raises DRAIN_TOO_LATE for a lease once the drain is over, and before resources are released', async () => {
    const { sequence, tracker, hooks } = given();
    let raised: unknown;
    hooks.add('releasing', () => {
      try {
        tracker.take('task', 'too late');
      } catch (error) {
        raised = error;
      }
    });
    void sequence.begin(closing);
    await shutdown.end();
    expect(raised).toMatchObject({ code: 'DRAIN_TOO_LATE' });
  });

  it('raises DRAIN_TOO_LATE for a lease in the very turn in which the drain is idle', async () => {
    const { sequence, tracker } = given();
    const lease = tracker.take('request', 'GET /');
    void sequence.begin(closing);
    await settle();
    let accepted = 0;
    let raised: unknown;
    lease.release();
    // Work that begins a microtask later either keeps the drain waiting or is told that it is too late.
    while (raised === undefined && accepted < 100) {
      await Promise.resolve();
      try {
        tracker.take('task', 'flush').release();
        accepted++;
      } catch (error) {
        raised = error;
      }
    }
    expect(raised).toMatchObject({ code: 'DRAIN_TOO_LATE' });
    expect(accepted).toBeLessThanOrEqual(1);
    await shutdown.end();
  });

  it('raises DRAIN_TOO_LATE for a lease once the drain has timed out', async () => {
    const { sequence, tracker, clock } = given();
    tracker.take('request', 'GET /stuck');
    void sequence.begin(closing);
    await clock.advance(10_100);
    expect(() => tracker.take('task', 'too late')).toThrow(expect.objectContaining({ code: 'DRAIN_TOO_LATE' }));
    await shutdown.end();
  });

  it('tells that it drains before any drainable does', async () => {
    const { sequence, drainable } = withDrainables();
    let wasAborted: boolean | undefined;
    drainable('server', { drain: async () => void (wasAborted = sequence.drainingSignal.aborted) });
    void sequence.begin(closing);
    await shutdown.end();
    expect(wasAborted).toBe(true);
  });

  it('stays in the lame duck for its time, and for a hook that holds it longer', async () => {
    const { sequence, hooks, clock } = given({ lameDuck: { minMs: 100, maxMs: 100 } });
    const handedOver = new Gate();
    hooks.add('lame-duck', () => handedOver.pass());
    void sequence.begin(sigterm);
    await clock.advance(99);
    expect(sequence.phase).toBe('lame-duck');
    await clock.advance(900);
    expect(sequence.phase).toBe('lame-duck');
    handedOver.release();
    await settle();
    expect(sequence.phase).toBe('releasing');
    await shutdown.end();
  });

  it('passes the reason and the signal on to its hooks', async () => {
    const { sequence, hooks } = given();
    const contexts: unknown[] = [];
    for (const phase of ['lame-duck', 'draining', 'releasing'] as const) {
      hooks.add(phase, ({ phase: at, reason, signal }) => contexts.push({ at, reason, signal }));
    }
    void sequence.begin(sigterm);
    await shutdown.end();
    const about = { reason: 'signal SIGTERM', signal: 'SIGTERM' };
    expect(contexts).toEqual([
      { at: 'lame-duck', ...about },
      { at: 'draining', ...about },
      { at: 'releasing', ...about },
    ]);
  });

  it('counts late requests that were refused', async () => {
    const { sequence } = given();
    void sequence.begin(closing);
    sequence.lateRequestRefused();
    sequence.lateRequestRefused();
    expect(await shutdown.end()).toMatchObject({ refused: 2 });
  });

  it('accounts for the time of each phase and the work that ended', async () => {
    const { sequence, tracker, clock } = given({ lameDuck: { minMs: 200, maxMs: 200 } });
    tracker.take('request', 'before').release();
    const lease = tracker.take('request', 'during');
    await clock.advance(1_000);
    void sequence.begin(sigterm);
    await clock.advance(200);
    await clock.advance(300);
    lease.release();
    await clock.advance(40);
    expect(await shutdown.end()).toMatchObject({
      reason: 'signal SIGTERM',
      startedAt: '2026-01-01T00:00:01.000Z',
      totalMs: 540,
      phases: [
        { phase: 'lame-duck', ms: 200 },
        { phase: 'draining', ms: 300 },
        { phase: 'releasing', ms: 40 },
      ],
      inFlight: { atSignal: 1, finished: 1 },
    });
  });
});

describe('ShutdownSequence.begin', () => {
  it('returns the same promise to all that call it, and runs once', async () => {
    const { sequence, log, drainable } = withDrainables();
    drainable('server');
    const first = sequence.begin(closing);
    const second = sequence.begin(sigterm);
    await settle();
    const third = sequence.begin(closing);
    expect(second).toBe(first);
    expect(third).toBe(first);
    await shutdown.end();
    expect(sequence.begin(closing)).toBe(first);
    await settle();
    expect(log.filter((line) => line === 'server drain')).toHaveLength(1);
    expect(log.filter((line) => line === 'phase closed')).toHaveLength(1);
  });

  it('keeps the reason of the first of two that come at once', async () => {
    const { sequence } = given();
    void sequence.begin(sigterm);
    void sequence.begin(closing);
    expect(await shutdown.end()).toMatchObject({ reason: 'signal SIGTERM' });
  });

  it('settles when resources have been released, and does not wait for the host to close', async () => {
    const { sequence, hooks } = given();
    const flushed = new Gate();
    hooks.add('releasing', () => flushed.pass());
    let isReleased = false;
    void sequence.begin(closing).then(() => (isReleased = true));
    await settle();
    expect(isReleased).toBe(false);
    flushed.release();
    await settle();
    expect(isReleased).toBe(true);
    expect(sequence.phase).toBe('releasing');
    await shutdown.end();
  });

  it('never rejects, whatever goes wrong', async () => {
    const { sequence, hooks, events, drainable, clock } = withDrainables();
    const broken = () => {
      throw new Error('broken');
    };
    drainable('broken', { announce: broken, drain: broken, close: broken, forceClose: broken });
    for (const phase of ['lame-duck', 'draining', 'releasing'] as const) hooks.add(phase, broken, { name: 'broken' });
    events.subscribe(broken);
    shutdown.tracker.take('request', 'GET /stuck');
    const begun = sequence.begin(closing);
    await clock.advance(10_100);
    await expect(begun).resolves.toBeUndefined();
    await expect(sequence.drained).resolves.toBe('timed-out');
    await shutdown.end();
    await expect(sequence.closed).resolves.toMatchObject({ clean: false });
  });

  it('lets a closing host join one that was begun by hand, and then waits for it with a hard stop', async () => {
    const { sequence, clock } = given();
    void sequence.begin(byHand);
    await clock.advance(60_000);
    expect(sequence.phase).toBe('releasing');
    clock.assertNoTimerLeft();
    void sequence.begin(closing);
    expect(clock.armedAt).toEqual([60_000 + 29_000]);
    expect(await shutdown.end()).toMatchObject({ reason: 'shutdown()', clean: true });
  });

  it('keeps the hard stop of a shutdown that a closing host joins before it has released', async () => {
    const { sequence, clock, tracker } = given();
    const lease = tracker.take('request', 'GET /');
    void sequence.begin(byHand);
    await clock.advance(1_000);
    void sequence.begin(closing);
    lease.release();
    await settle();
    expect(clock.armedAt).toEqual([29_000]);
    await shutdown.end();
  });

  it('tells releasing hooks the signal of a host that has joined', async () => {
    const { sequence, hooks, tracker } = given();
    const signals: unknown[] = [];
    hooks.add('draining', ({ signal }) => signals.push(signal));
    hooks.add('releasing', ({ signal }) => signals.push(signal));
    const lease = tracker.take('request', 'GET /');
    void sequence.begin(byHand);
    await settle();
    void sequence.begin(sigterm);
    lease.release();
    await shutdown.end();
    expect(signals).toEqual([undefined, 'SIGTERM']);
  });

  it('is over at once when the host has closed before it waits for it', async () => {
    const { sequence, tracker } = given();
    const lease = tracker.take('request', 'GET /');
    void sequence.begin(closing);
    sequence.hostClosed();
    await settle();
    expect(sequence.phase).toBe('draining');
    lease.release();
    expect(await shutdown.report()).toMatchObject({ clean: true });
  });
});

describe('The drain deadline', () => {
  it('comes drainTimeoutMs after the start of draining', async () => {
    const { sequence, clock, tracker } = given({ drainTimeoutMs: 3_000, lameDuck: { minMs: 500, maxMs: 500 } });
    tracker.take('request', 'GET /slow');
    void sequence.begin(closing);
    await clock.advance(3_499);
    expect(sequence.abortSignal.aborted).toBe(false);
    await clock.advance(1);
    expect(sequence.abortSignal.aborted).toBe(true);
    await clock.advance(100);
    await shutdown.end();
  });

  it('comes no later than the hard stop less what the releasing hooks need', async () => {
    const { sequence, clock, tracker, hooks } = given({ drainTimeoutMs: 20_000, gracePeriodMs: 15_000 });
    hooks.add('releasing', () => undefined, { order: 1, timeoutMs: 2_000 });
    hooks.add('releasing', () => undefined, { order: 2, timeoutMs: 3_000 });
    tracker.take('request', 'GET /slow');
    void sequence.begin(closing);
    await clock.advance(8_999);
    expect(sequence.abortSignal.aborted).toBe(false);
    await clock.advance(1);
    expect(sequence.abortSignal.aborted).toBe(true);
    await clock.advance(100);
    await shutdown.end();
  });

  it('lies behind at once when the hooks need all there is, and the shutdown still ends', async () => {
    const { sequence, clock, tracker, hooks } = given({ gracePeriodMs: 5_000 });
    hooks.add('releasing', () => undefined, { timeoutMs: 20_000 });
    tracker.take('request', 'GET /slow');
    void sequence.begin(closing);
    await clock.advance(100);
    expect(await shutdown.end()).toMatchObject({ outcome: 'timed-out' });
  });

  it('cuts work at once with a drain timeout of 0, and drains what holds none', async () => {
    const { sequence } = given({ drainTimeoutMs: 0 });
    void sequence.begin(closing);
    await shutdown.clock.advance(0);
    expect(await shutdown.end()).toMatchObject({ outcome: 'drained' });

    const busy = given({ drainTimeoutMs: 0 });
    busy.tracker.take('request', 'GET /slow');
    void busy.sequence.begin(closing);
    await busy.clock.advance(0);
    expect(busy.sequence.abortSignal.aborted).toBe(true);
    await busy.clock.advance(100);
    expect(await shutdown.end()).toMatchObject({ outcome: 'timed-out' });
  });

  it('aborts the signal that the drainables were given', async () => {
    const { sequence, clock, drainable } = withDrainables();
    const deadlines: AbortSignal[] = [];
    drainable('queue', { drain: (deadline) => (deadlines.push(deadline), never()) });
    void sequence.begin(closing);
    await clock.advance(9_999);
    expect(deadlines[0]?.aborted).toBe(false);
    await clock.advance(1);
    expect(deadlines[0]?.aborted).toBe(true);
    await clock.advance(100);
    await shutdown.end();
  });

  it('is told to listeners with the number of pieces of work left', async () => {
    const { sequence, clock, tracker, seen } = given();
    tracker.take('request', 'GET /slow');
    tracker.take('task', 'upload');
    void sequence.begin(closing);
    await clock.advance(10_100);
    await shutdown.end();
    expect(seen).toContainEqual({ type: 'deadline', inFlight: 2 });
  });

  it('does not come when the work ends in time', async () => {
    const { sequence, clock, tracker, seen } = given();
    const lease = tracker.take('request', 'GET /');
    void sequence.begin(closing);
    await clock.advance(9_999);
    lease.release();
    await clock.advance(60_000);
    await shutdown.end();
    expect(sequence.abortSignal.aborted).toBe(false);
    expect(seen.map(({ type }) => type)).not.toContain('deadline');
  });
});

describe('A drain that times out', () => {
  it('gives aborted work a short moment to end by itself before anything is cut', async () => {
    const { sequence, clock, tracker, log, drainable } = withDrainables();
    drainable('server');
    const lease = tracker.take('request', 'GET /slow');
    sequence.abortSignal.addEventListener('abort', () => {
      clock.after(99, () => {
        log.push('straggler ends');
        lease.release();
      });
    });
    void sequence.begin(closing);
    await clock.advance(10_099);
    expect(log.slice(log.indexOf('straggler ends'), -1)).toEqual([
      'straggler ends',
      'server forceClose',
      'server close',
      'drained: timed-out',
      'phase releasing',
    ]);
    expect(await shutdown.end()).toMatchObject({
      outcome: 'timed-out',
      leftovers: [
        { kind: 'request', name: 'GET /slow', ageMs: 10_000, detail: 'ended once its abort signal had fired' },
      ],
    });
  });

  it('cuts 100 ms after the deadline what has not ended by then', async () => {
    const { sequence, clock, tracker, log, drainable } = withDrainables();
    drainable('server');
    tracker.take('request', 'GET /stuck');
    void sequence.begin(closing);
    await clock.advance(10_099);
    expect(log).not.toContain('server forceClose');
    await clock.advance(1);
    expect(log).toContain('server forceClose');
    await shutdown.end();
  });

  it('names the leases, and what the drainables say they cut', async () => {
    const { sequence, clock, tracker, drainable } = withDrainables();
    const socket: Leftover = { kind: 'connection', name: 'http server', ageMs: 5, detail: 'half a request head' };
    drainable('server', { forceClose: async () => [socket] });
    await clock.advance(500);
    tracker.take('request', 'GET /stuck');
    void sequence.begin(closing);
    await clock.advance(10_100);
    const { leftovers, outcome, clean } = await shutdown.end();
    expect({ outcome, clean }).toEqual({ outcome: 'timed-out', clean: false });
    expect(leftovers).toHaveLength(2);
    expect(leftovers).toEqual(expect.arrayContaining([socket, { kind: 'request', name: 'GET /stuck', ageMs: 10_100 }]));
  });

  it('settles drained with timed-out, and still runs the releasing hooks and releases the host', async () => {
    const { sequence, clock, tracker, log, hooks } = given();
    hooks.add('releasing', () => log.push('hook releasing'));
    tracker.take('request', 'GET /stuck');
    void sequence.begin(closing);
    await clock.advance(10_100);
    expect(shutdown.logOf('drained', 'hook', 'released')).toEqual(['drained: timed-out', 'hook releasing', 'released']);
    await shutdown.end();
  });

  it('does not count what ended after the drain was over as finished', async () => {
    const { sequence, clock, tracker } = given();
    const stuck = tracker.take('request', 'GET /stuck');
    tracker.take('request', 'GET /').release();
    void sequence.begin(closing);
    await clock.advance(10_100);
    stuck.release();
    expect(await shutdown.end()).toMatchObject({ inFlight: { atSignal: 1, finished: 0 } });
  });

  it('cuts each drainable once, and names each leftover once', async () => {
    const { sequence, clock, tracker, log, drainable } = withDrainables();
    drainable('server', { close: never });
    tracker.take('request', 'GET /stuck');
    void sequence.begin(closing);
    await clock.advance(10_600);
    const { leftovers } = await shutdown.end();
    expect(log.filter((line) => line === 'server forceClose')).toHaveLength(1);
    expect(leftovers).toHaveLength(1);
  });

  it('waits no longer than half a second for a drainable that hangs while it is cut, and names it', async () => {
    const { sequence, clock, drainable, log } = withDrainables();
    drainable('hanging', { drain: never, forceClose: never });
    drainable('other', { gate: new Gate() });
    void sequence.begin(closing);
    await clock.advance(10_599);
    expect(sequence.phase).toBe('draining');
    await clock.advance(1);
    expect(sequence.phase).toBe('releasing');
    expect(log).toContain('other forceClose');
    const { leftovers } = await shutdown.end();
    expect(leftovers).toContainEqual(expect.objectContaining({ kind: 'drainable', name: 'hanging' }));
  });
});

describe('A drainable', () => {
  it.each(['announce', 'drain', 'close'] as const)(
    'that throws in %s is named, makes the shutdown unclean, and holds nobody up',
    async (step) => {
      const { sequence, seen, log, drainable } = withDrainables();
      drainable('broken', {
        [step]: () => {
          throw new Error('socket hang up');
        },
      });
      drainable('healthy');
      void sequence.begin(closing);
      const report = await shutdown.end();
      expect(report).toMatchObject({ outcome: 'drained', clean: false });
      expect(report.leftovers).toEqual([
        { kind: 'drainable', name: 'broken', ageMs: 0, detail: 'failed to drain: socket hang up' },
      ]);
      expect(seen).toContainEqual({ type: 'problem', message: 'broken failed to drain: socket hang up' });
      expect(shutdown.logOf('healthy')).toEqual(['healthy announce', 'healthy drain', 'healthy close']);
      expect(log).toContain('released');
    },
  );

  it('that rejects is named like one that throws', async () => {
    const { sequence, drainable } = withDrainables();
    drainable('broken', { drain: () => Promise.reject(new Error('no broker')) });
    void sequence.begin(closing);
    const { leftovers } = await shutdown.end();
    expect(leftovers).toEqual([{ kind: 'drainable', name: 'broken', ageMs: 0, detail: 'failed to drain: no broker' }]);
  });

  it('that throws while it is cut is named, and the others are cut', async () => {
    const { sequence, clock, log, drainable } = withDrainables();
    drainable('broken', {
      drain: never,
      forceClose: () => {
        throw new Error('already destroyed');
      },
    });
    drainable('other', { drain: never });
    void sequence.begin(closing);
    await clock.advance(10_100);
    expect(log).toContain('other forceClose');
    const { leftovers } = await shutdown.end();
    expect(leftovers).toContainEqual({
      kind: 'drainable',
      name: 'broken',
      ageMs: 10_100,
      detail: 'failed to drain: already destroyed',
    });
  });

  it('that hangs, and names nothing of what was cut, is named itself', async () => {
    const { sequence, clock, drainable } = withDrainables();
    drainable('hanging', { drain: never });
    drainable('healthy');
    void sequence.begin(closing);
    await clock.advance(10_100);
    const { leftovers, outcome } = await shutdown.end();
    expect(outcome).toBe('timed-out');
    expect(leftovers).toEqual([expect.objectContaining({ kind: 'drainable', name: 'hanging' })]);
  });

  it('that hangs while it closes is cut at the drain deadline', async () => {
    const { sequence, clock, log, drainable } = withDrainables();
    drainable('server', { close: never });
    void sequence.begin(closing);
    await clock.advance(9_999);
    expect(log).not.toContain('server forceClose');
    await clock.advance(1);
    expect(log).toContain('server forceClose');
    await shutdown.end();
  });

  it('that is registered in the lame duck is told to leave at once', async () => {
    const { sequence, clock, log, drainable } = withDrainables({ lameDuck: { minMs: 100, maxMs: 100 } });
    void sequence.begin(closing);
    await settle();
    drainable('late');
    expect(log).toContain('late announce');
    await clock.advance(100);
    await shutdown.end();
  });

  it('that is registered twice is drained once', async () => {
    const { sequence, log, clock, drainable } = withDrainables({ lameDuck: { minMs: 100, maxMs: 100 } });
    const twice = drainable('server');
    void sequence.begin(closing);
    await settle();
    expect(sequence.add(twice)).toBe(true);
    await clock.advance(100);
    await shutdown.end();
    expect(log.filter((line) => line === 'server announce')).toHaveLength(1);
    expect(log.filter((line) => line === 'server drain')).toHaveLength(1);
  });

  it('that is registered as the lame duck begins is told to leave once', async () => {
    const { sequence, events, log, drainable } = withDrainables();
    events.subscribe((event) => {
      if (event.type === 'phase' && event.phase === 'lame-duck') drainable('late');
    });
    void sequence.begin(closing);
    await shutdown.end();
    expect(log.filter((line) => line === 'late announce')).toHaveLength(1);
  });

  it('that is registered in mid-drain drains at once', async () => {
    const { sequence, drainable } = withDrainables();
    const first = new Gate();
    drainable('first', { gate: first });
    void sequence.begin(closing);
    await settle();
    drainable('late');
    await settle();
    expect(shutdown.logOf('late')).toEqual(['late announce', 'late drain']);
    first.release();
    await shutdown.end();
  });

  it('that is registered in mid-drain drains, and is waited for', async () => {
    const { sequence, log, drainable } = withDrainables();
    const first = new Gate();
    const late = new Gate();
    drainable('first', { gate: first });
    void sequence.begin(closing);
    await settle();
    drainable('late', { gate: late });
    first.release();
    await settle();
    expect(shutdown.logOf('late')).toEqual(['late announce', 'late drain']);
    expect(log).not.toContain('drained: drained');
    late.release();
    await shutdown.end();
    expect(log).toContain('drained: drained');
  });

  it('is no longer accepted once the drain is over', async () => {
    const { sequence } = given();
    void sequence.begin(closing);
    await settle();
    expect(sequence.phase).toBe('releasing');
    expect(sequence.add({ name: 'late', drain: never, forceClose: async () => [] })).toBe(false);
    await shutdown.end();
  });

  it('is no longer accepted while the others are being closed: nobody would drain it', async () => {
    const { sequence, drainable } = withDrainables();
    const closed = new Gate();
    drainable('server', { close: () => closed.pass() });
    void sequence.begin(closing);
    await closed.entered;
    expect(sequence.phase).toBe('draining');
    expect(sequence.add({ name: 'late', drain: never, forceClose: async () => [] })).toBe(false);
    closed.release();
    await shutdown.end();
  });
});

describe('A hook of draining', () => {
  it('runs beside the drain, which waits for it', async () => {
    const { sequence, hooks, log } = given();
    const flushed = new Gate();
    hooks.add('draining', () => flushed.pass());
    void sequence.begin(closing);
    await settle();
    expect(log).not.toContain('drained: drained');
    flushed.release();
    await shutdown.end();
    expect(log).toContain('drained: drained');
  });

  it('may begin work when all else has ended, and the drain waits for that too', async () => {
    const { sequence, hooks, tracker, log } = given();
    const consumed = new Gate();
    let lease = { release: () => undefined as void };
    hooks.add('draining', async () => {
      await consumed.pass();
      lease = tracker.take('task', 'flush');
    });
    void sequence.begin(closing);
    await settle();
    consumed.release();
    await settle();
    expect(log).not.toContain('drained: drained');
    lease.release();
    expect(await shutdown.end()).toMatchObject({ outcome: 'drained' });
  });

  it('may register a drainable when all else has ended, and the drain waits for that too', async () => {
    const { sequence, hooks, log, drainable } = withDrainables();
    const consumed = new Gate();
    const late = new Gate();
    hooks.add('draining', async () => {
      await consumed.pass();
      drainable('late', { gate: late });
    });
    void sequence.begin(closing);
    await settle();
    consumed.release();
    await settle();
    expect(log).toContain('late drain');
    expect(log).not.toContain('drained: drained');
    late.release();
    await shutdown.end();
  });

  it('that hangs is given up on, named, and makes the shutdown unclean', async () => {
    const { sequence, hooks, clock } = given();
    hooks.add('draining', never, { name: 'hanging' });
    void sequence.begin(closing);
    await clock.advance(5_000);
    expect(await shutdown.end()).toMatchObject({
      outcome: 'drained',
      clean: false,
      hooks: [{ name: 'hanging', phase: 'draining', outcome: 'timed-out', ms: 5_000 }],
    });
  });
});

describe('A hook of releasing', () => {
  it('that fails makes the shutdown unclean, and the host is released all the same', async () => {
    const { sequence, hooks, seen, log } = given();
    hooks.add('releasing', () => Promise.reject(new Error('no disk')), { name: 'flush' });
    void sequence.begin(closing);
    const report = await shutdown.end();
    const hook = { name: 'flush', phase: 'releasing', ms: 0, outcome: 'rejected', error: 'no disk' };
    expect(report).toMatchObject({ outcome: 'drained', clean: false, hooks: [hook] });
    expect(seen).toContainEqual({ type: 'hook', hook });
    expect(log).toContain('released');
  });

  it('is not waited for past the hard stop', async () => {
    const { sequence, hooks, clock } = given({ gracePeriodMs: 3_000 });
    hooks.add('releasing', never, { name: 'hanging', timeoutMs: 60_000 });
    void sequence.begin(closing);
    await clock.advance(2_000);
    expect(await shutdown.report()).toMatchObject({
      clean: false,
      totalMs: 2_000,
      hooks: [{ name: 'hanging', outcome: 'timed-out' }],
    });
  });
});

describe('The lame duck window', () => {
  it('is cut short, down to its minimum, by what the drain and the releasing hooks need', async () => {
    const { sequence, clock, hooks, traffic } = given({
      gracePeriodMs: 20_000,
      drainTimeoutMs: 10_000,
      lameDuck: { minMs: 1_000, quietMs: 20_000, maxMs: 20_000 },
    });
    hooks.add('releasing', () => undefined, { timeoutMs: 5_000 });
    void sequence.begin(sigterm);
    traffic.arrivedUnready(true);
    // 20,000 less the margin of 1,000, the hooks' 5,000 and the drain's 10,000.
    await clock.advance(3_999);
    expect(sequence.phase).toBe('lame-duck');
    await clock.advance(1);
    expect(sequence.phase).toBe('releasing');
    await shutdown.end();
  });

  it('keeps its minimum at the cost of the drain', async () => {
    const { sequence, clock } = given({
      gracePeriodMs: 8_000,
      drainTimeoutMs: 10_000,
      lameDuck: { minMs: 3_000, quietMs: 0, maxMs: 5_000 },
    });
    void sequence.begin(sigterm);
    await clock.advance(2_999);
    expect(sequence.phase).toBe('lame-duck');
    await clock.advance(1);
    expect(sequence.phase).toBe('releasing');
    await shutdown.end();
  });

  it('does not outlast the hard stop less the hooks, whatever its minimum', async () => {
    const { sequence, clock, hooks } = given({
      gracePeriodMs: 5_000,
      lameDuck: { minMs: 10_000, quietMs: 0, maxMs: 10_000 },
    });
    hooks.add('releasing', () => undefined, { timeoutMs: 1_500 });
    void sequence.begin(sigterm);
    await clock.advance(2_499);
    expect(sequence.phase).toBe('lame-duck');
    await clock.advance(1);
    expect(sequence.phase).toBe('releasing');
    await shutdown.end();
  });
});

describe('ShutdownSequence.remainingMs', () => {
  it('is Infinity while running', () => {
    expect(given().sequence.remainingMs()).toBe(Infinity);
  });

  it('counts down to the hard stop in the lame duck, to the drain deadline afterwards, and never below 0', async () => {
    const { sequence, clock, tracker } = given({ lameDuck: { minMs: 1_000, maxMs: 1_000 } });
    tracker.take('request', 'GET /stuck');
    void sequence.begin(closing);
    expect(sequence.remainingMs()).toBe(29_000);
    await clock.advance(400);
    expect(sequence.remainingMs()).toBe(28_600);
    await clock.advance(600);
    expect(sequence.remainingMs()).toBe(10_000);
    await clock.advance(4_000);
    expect(sequence.remainingMs()).toBe(6_000);
    await clock.advance(6_100);
    expect(sequence.remainingMs()).toBe(0);
    await shutdown.end();
  });
});

describe('ShutdownSequence.force', () => {
  it('does nothing before a shutdown has begun', async () => {
    const { sequence } = given();
    sequence.force('a second signal, SIGINT');
    void sequence.begin(closing);
    expect(await shutdown.end()).toMatchObject({ outcome: 'drained', clean: true });
  });

  it('does nothing when the shutdown is over', async () => {
    const { sequence, seen } = given();
    void sequence.begin(closing);
    await shutdown.end();
    sequence.force('a second signal, SIGINT');
    expect(seen.map(({ type }) => type)).not.toContain('forced');
  });

  it('ends the lame duck at once', async () => {
    const { sequence } = given({ lameDuck: { minMs: 5_000, maxMs: 10_000 } });
    void sequence.begin(sigterm);
    await settle();
    sequence.force('a second signal, SIGINT');
    expect(await shutdown.report()).toMatchObject({ outcome: 'forced', clean: false, totalMs: 0 });
    await expect(sequence.drained).resolves.toBe('forced');
  });

  it('gives up on a hook that holds the lame duck', async () => {
    const { sequence, hooks } = given();
    hooks.add('lame-duck', never, { name: 'hand over' });
    void sequence.begin(sigterm);
    await settle();
    sequence.force('a second signal, SIGINT');
    expect(await shutdown.report()).toMatchObject({
      outcome: 'forced',
      hooks: [{ name: 'hand over', outcome: 'timed-out' }],
    });
  });

  it('cuts a drain without the moment for stragglers, and names what was cut once', async () => {
    const { sequence, tracker, log, clock, drainable } = withDrainables();
    drainable('server', { drain: never });
    tracker.take('request', 'GET /slow');
    void sequence.begin(sigterm);
    await clock.advance(1_000);
    sequence.force('a second signal, SIGINT');
    await settle();
    const report = await shutdown.report();
    expect(sequence.abortSignal.aborted).toBe(true);
    expect(report).toMatchObject({ outcome: 'forced', endedBy: 'second-signal', clean: false, totalMs: 1_000 });
    expect(report.leftovers).toEqual([{ kind: 'request', name: 'GET /slow', ageMs: 1_000 }]);
    expect(log.filter((line) => line === 'server forceClose')).toHaveLength(1);
    await expect(sequence.drained).resolves.toBe('forced');
  });

  it('does not wait for a drainable that closes', async () => {
    const { sequence, clock, log, drainable } = withDrainables();
    drainable('server', { close: never });
    void sequence.begin(sigterm);
    await clock.advance(10);
    sequence.force('a second signal, SIGINT');
    expect(await shutdown.report()).toMatchObject({ outcome: 'drained', endedBy: 'second-signal', clean: false });
    await expect(sequence.drained).resolves.toBe('drained');
    expect(log).toContain('server forceClose');
  });

  it('gives up on releasing hooks, and on those that come after them', async () => {
    const { sequence, hooks, log } = given();
    hooks.add('releasing', never, { name: 'flush', order: 1 });
    hooks.add('releasing', () => log.push('second hook'), { name: 'close', order: 2 });
    void sequence.begin(sigterm);
    await settle();
    sequence.force('a second signal, SIGINT');
    expect(await shutdown.report()).toMatchObject({
      clean: false,
      hooks: [
        { name: 'flush', outcome: 'timed-out' },
        { name: 'close', outcome: 'timed-out', ms: 0, error: expect.stringContaining('not begun') },
      ],
      advice: [],
    });
    expect(log).not.toContain('second hook');
    expect(log).toContain('released');
  });

  it('does not wait for the host any longer', async () => {
    const { sequence, clock } = given();
    void sequence.begin(sigterm);
    await clock.advance(500);
    expect(sequence.phase).toBe('releasing');
    sequence.force('a second signal, SIGINT');
    const report = await shutdown.report();
    expect(report).toMatchObject({ outcome: 'drained', endedBy: 'second-signal', clean: false, totalMs: 500 });
    await expect(sequence.drained).resolves.toBe('drained');
  });

  it('is told once to listeners, with who asked and what is in flight', async () => {
    const { sequence, tracker, seen } = given();
    tracker.take('request', 'GET /slow');
    void sequence.begin(sigterm);
    await settle();
    sequence.force('a second signal, SIGINT');
    sequence.force('a third');
    await shutdown.report();
    expect(seen.filter(({ type }) => type === 'forced')).toEqual([
      { type: 'forced', by: 'a second signal, SIGINT', inFlight: 1 },
    ]);
  });
});

describe('The hard stop', () => {
  it('ends a lame duck that a hook holds', async () => {
    const { sequence, clock, hooks } = given({ gracePeriodMs: 4_000 });
    hooks.add('lame-duck', never, { timeoutMs: 60_000 });
    void sequence.begin(sigterm);
    await clock.advance(2_999);
    expect(sequence.phase).toBe('lame-duck');
    await clock.advance(1);
    const report = await shutdown.report();
    expect(report).toMatchObject({ outcome: 'timed-out', clean: false, totalMs: 3_000 });
    expect(report.advice).toContainEqual(expect.stringContaining("The hard stop came during 'lame-duck'"));
  });

  it('comes one second before the grace period ends, and ends a host that hangs', async () => {
    const { sequence, clock, seen } = given();
    void sequence.begin(sigterm);
    await clock.advance(28_999);
    expect(sequence.phase).toBe('releasing');
    await clock.advance(1);
    const report = await shutdown.report();
    expect(report).toMatchObject({ outcome: 'drained', endedBy: 'hard-stop', clean: false, totalMs: 29_000 });
    expect(report.advice).toContainEqual(expect.stringContaining('did not end before the hard stop'));
    expect(seen).toContainEqual({ type: 'forced', by: 'the hard stop', inFlight: 0 });
  });

  it('ends a drain that hangs while it is cut', async () => {
    const { sequence, clock, drainable } = withDrainables({ gracePeriodMs: 1_300, drainTimeoutMs: 250 });
    drainable('hanging', { drain: never, forceClose: never });
    void sequence.begin(sigterm);
    await clock.advance(1_300);
    const report = await shutdown.report();
    expect(report).toMatchObject({ outcome: 'timed-out', clean: false });
    expect(report.totalMs).toBeLessThanOrEqual(1_300);
    expect(report.advice).toContainEqual(expect.stringContaining("The hard stop came during 'draining'"));
  });

  it('names, by kind and count, what keeps the event loop alive', async () => {
    const { sequence, clock } = given();
    const forgotten = setInterval(() => undefined, 60_000);
    void sequence.begin(sigterm);
    await clock.advance(29_000);
    const { leftovers } = await shutdown.report();
    clearInterval(forgotten);
    expect(leftovers).toContainEqual({
      kind: 'resource',
      name: 'Timeout',
      ageMs: 29_000,
      detail: expect.stringMatching(/^[1-9]\d* keep the event loop alive$/),
    });
  });

  it('is not armed any longer for a shutdown by hand that has released, since no host is closing', async () => {
    const { sequence, clock } = given();
    void sequence.begin(byHand);
    await clock.advance(1);
    clock.assertNoTimerLeft();
    await clock.advance(60_000);
    expect(sequence.phase).toBe('releasing');
    expect(await shutdown.end()).toMatchObject({ clean: true });
  });
});

function withDrainables(...setup: ConstructorParameters<typeof SequenceUnderTest>) {
  const built = given(...setup);
  const { clock, events, hooks, tracker, traffic, log, seen, sequence } = built;
  return { clock, events, hooks, tracker, traffic, log, seen, sequence, drainable: built.drainable.bind(built) };
}
