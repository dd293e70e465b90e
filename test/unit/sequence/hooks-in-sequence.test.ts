import { afterEach, describe, expect, it } from '@jest/globals';
import { settle } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { closing, never, SequenceUnderTest, sigterm } from './sequence-under-test.js';

let shutdown: SequenceUnderTest;

function given(...setup: ConstructorParameters<typeof SequenceUnderTest>): SequenceUnderTest {
  return (shutdown = new SequenceUnderTest(...setup));
}

// Every test brings its shutdown to an end: a timer that is left would hold the process open.
afterEach(() => {
  shutdown.clock.assertNoTimerLeft();
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

describe('A hook of the lame duck', () => {
  it('that hangs leaves the drain its part of a grace period that is too short', async () => {
    const { sequence, hooks, clock, tracker } = given({ gracePeriodMs: 5_000, isAssumed: true });
    hooks.add('lame-duck', never, { name: 'hand over' });
    const lease = tracker.take('request', 'GET /');
    void sequence.begin(sigterm);
    await clock.advance(1_333);
    expect(sequence.phase).toBe('draining');
    await clock.advance(2_500);
    lease.release();
    expect(await shutdown.end()).toMatchObject({
      outcome: 'drained',
      hooks: [{ name: 'hand over', outcome: 'timed-out', ms: 1_333 }],
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

function withDrainables(...setup: ConstructorParameters<typeof SequenceUnderTest>) {
  const built = given(...setup);
  const { clock, events, hooks, tracker, traffic, log, seen, sequence } = built;
  return { clock, events, hooks, tracker, traffic, log, seen, sequence, drainable: built.drainable.bind(built) };
}
