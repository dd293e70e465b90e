import { afterEach, describe, expect, it } from '@jest/globals';
import { settle } from '../../support/fake-clock.js';
import { byHand, closing, never, SequenceUnderTest, sigterm } from './sequence-under-test.js';

let shutdown: SequenceUnderTest;

function given(...setup: ConstructorParameters<typeof SequenceUnderTest>): SequenceUnderTest {
  return (shutdown = new SequenceUnderTest(...setup));
}

// Every test brings its shutdown to an end: a timer that is left would hold the process open.
afterEach(() => {
  shutdown.clock.assertNoTimerLeft();
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
    const { sequence, clock, hooks } = given({ gracePeriodMs: 4_000, drainTimeoutMs: 0 });
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
