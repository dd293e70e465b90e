import { beforeEach, describe, expect, it } from '@jest/globals';
import { InFlightTracker } from '../../../src/in-flight/in-flight-tracker.js';
import { FakeClock } from '../../support/fake-clock.js';

let clock: FakeClock;
let tracker: InFlightTracker;
beforeEach(() => {
  clock = new FakeClock();
  tracker = new InFlightTracker(clock);
});

describe('InFlightTracker', () => {
  it('counts leases that are held and leases that were released', () => {
    const one = tracker.take('request', 'GET /');
    tracker.take('task', 'import');
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 2, finished: 0 });
    one.release();
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 1, finished: 1 });
  });

  it('counts only the first release of a lease', () => {
    const one = tracker.take('task', 'same name');
    tracker.take('task', 'same name');
    one.release();
    one.release();
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 1, finished: 1 });
  });

  it('gives each lease its kind, its name and its age', async () => {
    const lease = tracker.take('request', 'GET /');
    await clock.advance(1_500);
    expect(lease).toMatchObject({ kind: 'request', name: 'GET /', ageMs: 1_500 });
  });

  it('is idle at once when nothing is held', async () => {
    await expect(tracker.idle()).resolves.toBeUndefined();
  });

  it('tells all that wait in the very turn in which the last lease is released', async () => {
    const told: string[] = [];
    const [one, other] = [tracker.take('task', 'one'), tracker.take('task', 'other')];
    void tracker.idle().then(() => told.push('first'));
    void tracker.idle().then(() => told.push('second'));
    one.release();
    await Promise.resolve();
    expect(told).toEqual([]);
    other.release();
    await Promise.resolve();
    expect(told).toEqual(['first', 'second']);
  });

  it('tells those that wait again for what is taken later', async () => {
    tracker.take('task', 'one').release();
    await tracker.idle();
    const later = tracker.take('task', 'later');
    let isIdle = false;
    void tracker.idle().then(() => (isIdle = true));
    await Promise.resolve();
    expect(isIdle).toBe(false);
    later.release();
    await Promise.resolve();
    expect(isIdle).toBe(true);
  });

  it('raises DRAIN_TOO_LATE once it is sealed, with the name, the reason and what to do', () => {
    expect(tracker.isSealed).toBe(false);
    tracker.seal();
    expect(tracker.isSealed).toBe(true);
    expect(() => tracker.take('task', 'import')).toThrow(
      expect.objectContaining({
        code: 'DRAIN_TOO_LATE',
        message:
          "Expected 'import' to begin before the drain was over, got it afterwards: resources are being released and nobody waits for it. " +
          'Begin it from work that is itself in flight, or look at GracefulShutdown.phase first.',
      }),
    );
    expect(tracker.size).toBe(0);
  });

  it('lets a lease that was taken before the seal be released after it', () => {
    const lease = tracker.take('task', 'import');
    tracker.seal();
    lease.release();
    expect(tracker.size).toBe(0);
  });

  it('names what is held, oldest first, in whole milliseconds', async () => {
    tracker.take('request', 'GET /old');
    await clock.advance(1_000.6);
    const ended = tracker.take('request', 'GET /ended');
    tracker.take('task', 'young');
    ended.release();
    await clock.advance(2_000);
    expect(tracker.leftovers()).toEqual([
      { kind: 'request', name: 'GET /old', ageMs: 3_001 },
      { kind: 'task', name: 'young', ageMs: 2_000 },
    ]);
  });

  it('holds work that is added as such, without a lease, and forgets it once', () => {
    const work = { kind: 'request', name: 'GET /', startedAt: 0 };
    tracker.add(work);
    tracker.add(work);
    expect(tracker.size).toBe(1);
    tracker.remove(work);
    tracker.remove(work);
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 0, finished: 1 });
  });
});
