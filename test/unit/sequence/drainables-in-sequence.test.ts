import { afterEach, describe, expect, it } from '@jest/globals';
import { settle } from '../../support/fake-clock.js';
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

function withDrainables(...setup: ConstructorParameters<typeof SequenceUnderTest>) {
  const built = given(...setup);
  const { clock, events, hooks, tracker, traffic, log, seen, sequence } = built;
  return { clock, events, hooks, tracker, traffic, log, seen, sequence, drainable: built.drainable.bind(built) };
}
