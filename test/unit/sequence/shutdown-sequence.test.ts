import { afterEach, describe, expect, it } from '@jest/globals';
import { type Leftover } from '../../../src/sequence/drainable.js';
import { settle } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { byHand, closing, SequenceUnderTest, sigterm } from './sequence-under-test.js';

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
    sequence.count('refused');
    sequence.count('refused');
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

function withDrainables(...setup: ConstructorParameters<typeof SequenceUnderTest>) {
  const built = given(...setup);
  const { clock, events, hooks, tracker, traffic, log, seen, sequence } = built;
  return { clock, events, hooks, tracker, traffic, log, seen, sequence, drainable: built.drainable.bind(built) };
}
