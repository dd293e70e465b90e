import { beforeEach, describe, expect, it } from '@jest/globals';
import { InFlightTracker } from '../../../src/in-flight/in-flight-tracker.js';
import { FakeClock } from '../../support/fake-clock.js';

let clock: FakeClock;
let tracker: InFlightTracker;
let isIdle: boolean;
beforeEach(() => {
  clock = new FakeClock();
  tracker = new InFlightTracker(clock);
  isIdle = false;
});

/** A handler whose client has gone. Returns what ends it. */
function abandon(name: string): () => void {
  const work = { kind: 'handler', name, startedAt: clock.now() };
  tracker.add(work);
  const abandoned = tracker.abandon(work)!;
  return () => tracker.endAbandoned(abandoned);
}

const awaitIdle = () => void tracker.idle().then(() => (isIdle = true));

describe('InFlightTracker, of handlers whose clients have gone', () => {
  it('counts them as in flight, and as finished once they end', () => {
    const end = abandon('POST /upload');
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 1, finished: 0 });
    end();
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 0, finished: 1 });
  });

  it('waits for their end, for a second once all else has ended', async () => {
    abandon('POST /upload');
    const lease = tracker.take('task', 'import');
    awaitIdle();
    await clock.advance(5_000);
    expect(isIdle).toBe(false);
    lease.release();
    await clock.advance(999);
    expect(isIdle).toBe(false);
    await clock.advance(1);
    expect({ isIdle, size: tracker.size }).toEqual({ isIdle: true, size: 0 });
    clock.assertNoTimerLeft();
  });

  it('is idle as soon as the last of them has ended', async () => {
    const end = abandon('POST /upload');
    awaitIdle();
    await clock.advance(300);
    end();
    await clock.advance(0);
    expect(isIdle).toBe(true);
    clock.assertNoTimerLeft();
  });

  it('begins the second again when work has begun meanwhile', async () => {
    abandon('POST /upload');
    awaitIdle();
    await clock.advance(900);
    tracker.take('task', 'import').release();
    await clock.advance(999);
    expect(isIdle).toBe(false);
    await clock.advance(1);
    expect(isIdle).toBe(true);
  });

  it('names them, one entry for all of a name', async () => {
    for (const name of ['POST /upload', 'POST /upload', 'GET /poll']) abandon(name);
    abandon('GET /ended')();
    await clock.advance(70);
    expect(tracker.abandonedLeftovers()).toEqual([
      { kind: 'handler', name: 'POST /upload', ageMs: 70, detail: 'abandoned: 2 clients had gone' },
      { kind: 'handler', name: 'GET /poll', ageMs: 70, detail: 'abandoned: its client had gone' },
    ]);
    expect(tracker.leftovers()).toEqual([]);
  });

  it('keeps nothing of their requests', () => {
    const work = { kind: 'handler', name: 'POST /upload', startedAt: 0, request: { body: 'half' } };
    tracker.add(work);
    const abandoned = tracker.abandon(work);
    expect(abandoned).toEqual({ kind: 'handler', name: 'POST /upload', startedAt: 0, count: 1 });
    expect([...tracker.leftovers()]).toEqual([]);
  });

  it('waits no longer for the rest when some of them have ended', async () => {
    const end = abandon('GET /poll');
    abandon('POST /upload');
    awaitIdle();
    await clock.advance(900);
    end();
    await clock.advance(100);
    expect(isIdle).toBe(true);
  });

  it('does not give them up while other work is in flight', async () => {
    abandon('POST /upload');
    awaitIdle();
    await clock.advance(900);
    const lease = tracker.take('task', 'import');
    await clock.advance(5_000);
    expect({ isIdle, size: tracker.size }).toEqual({ isIdle: false, size: 2 });
    lease.release();
    await clock.advance(1_000);
    expect(isIdle).toBe(true);
    clock.assertNoTimerLeft();
  });

  it('leaves work alone that is not held: a health route, a late request', () => {
    expect(tracker.abandon({ kind: 'handler', name: 'GET /health', startedAt: 0 })).toBeUndefined();
    expect(tracker.size).toBe(0);
  });

  it('leaves no timer when the drain is over before the second is', async () => {
    abandon('POST /upload');
    awaitIdle();
    await clock.advance(10);
    tracker.seal();
    clock.assertNoTimerLeft();
  });
});
