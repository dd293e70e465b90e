import { afterEach, describe, expect, it } from '@jest/globals';
import { type Leftover } from '../../../src/sequence/drainable.js';
import { Gate } from '../../support/gate.js';
import { closing, never, SequenceUnderTest } from './sequence-under-test.js';

let shutdown: SequenceUnderTest;

function given(...setup: ConstructorParameters<typeof SequenceUnderTest>): SequenceUnderTest {
  return (shutdown = new SequenceUnderTest(...setup));
}

// Every test brings its shutdown to an end: a timer that is left would hold the process open.
afterEach(() => {
  shutdown.clock.assertNoTimerLeft();
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

function withDrainables(...setup: ConstructorParameters<typeof SequenceUnderTest>) {
  const built = given(...setup);
  const { clock, events, hooks, tracker, traffic, log, seen, sequence } = built;
  return { clock, events, hooks, tracker, traffic, log, seen, sequence, drainable: built.drainable.bind(built) };
}
