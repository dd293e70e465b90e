import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InFlightTracker } from '../../../src/in-flight/in-flight-tracker.js';
import { TRACK_IN_FLIGHT } from '../../../src/in-flight/metadata.js';
import { TrackInFlight } from '../../../src/in-flight/track-in-flight.decorator.js';
import { addApplication, trackMethodsOf, TrackedRuns } from '../../../src/in-flight/tracked-runs.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { LazyQuery } from './lazy-query.js';

const Mark = (): MethodDecorator => (_target, _key, descriptor) =>
  Reflect.defineMetadata('mark', true, descriptor.value as object);

class Reports {
  readonly gate = new Gate();
  readonly runs: unknown[] = [];

  @TrackInFlight()
  async nightly(...args: unknown[]): Promise<string> {
    this.runs.push(args);
    await this.gate.pass();
    return 'done';
  }

  @TrackInFlight('hourly report')
  sync(): string {
    this.runs.push('sync');
    return 'at once';
  }

  @TrackInFlight()
  throwing(): never {
    throw new Error('broken');
  }

  @TrackInFlight()
  async rejecting(): Promise<never> {
    throw new Error('broken later');
  }

  readonly query = new LazyQuery();

  @TrackInFlight()
  insert(): PromiseLike<string> {
    return this.query;
  }

  @TrackInFlight()
  @Mark()
  marked(): void {}
}

/** The shutdown of an application, as a test has it. */
class Shutdown {
  isRefusing = false;
  isClosed = false;
  isAwaitingParts = false;
  skipped = 0;
  runSkipped(): void {
    this.skipped++;
  }
}

let tracker: InFlightTracker;
let shutdown: Shutdown;
let runs: TrackedRuns;
let reports: Reports;
beforeEach(() => {
  tracker = new InFlightTracker(new FakeClock());
  shutdown = new Shutdown();
  runs = new TrackedRuns(tracker, shutdown);
  reports = new Reports();
  trackMethodsOf(reports, runs);
});

describe('@TrackInFlight()', () => {
  it('holds a lease until the promise of the method settles', async () => {
    const run = reports.nightly(1, 'two');
    expect(tracker.leftovers()).toEqual([{ kind: 'task', name: 'Reports.nightly', ageMs: 0 }]);
    expect(reports.runs).toEqual([[1, 'two']]);
    reports.gate.release();
    await expect(run).resolves.toBe('done');
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 0, finished: 1 });
  });

  it('counts runs that overlap one by one', async () => {
    const runs = [reports.nightly(), reports.nightly()];
    expect(tracker.size).toBe(2);
    reports.gate.release();
    await Promise.all(runs);
    expect(tracker.size).toBe(0);
  });

  it('releases the lease of a method that returns no promise', () => {
    expect(reports.sync()).toBe('at once');
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 0, finished: 1 });
  });

  it('releases the lease of a method that throws', () => {
    expect(() => reports.throwing()).toThrow('broken');
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 0, finished: 1 });
  });

  it('releases the lease of a method that rejects', async () => {
    await expect(reports.rejecting()).rejects.toThrow('broken later');
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 0, finished: 1 });
  });

  it('sends a query once that is sent each time somebody waits for it, and holds a lease until it is answered', async () => {
    const run = reports.insert();
    expect(tracker.size).toBe(1);
    await expect(Promise.resolve(run)).resolves.toBe('1 row');
    expect({ sent: reports.query.sent, size: tracker.size }).toEqual({ sent: 1, size: 0 });
  });

  it('raises DRAIN_TOO_LATE once the drain is over, and does not run the method', () => {
    tracker.seal();
    expect(() => reports.sync()).toThrow(
      expect.objectContaining({ code: 'DRAIN_TOO_LATE', message: expect.stringContaining("'hourly report'") }),
    );
    expect(reports.runs).toEqual([]);
  });

  it('runs untracked in an instance that no application has created', () => {
    expect(new Reports().sync()).toBe('at once');
    expect(tracker.finished).toBe(0);
  });

  it('keeps the instances of two applications apart', async () => {
    const other = new InFlightTracker(new FakeClock());
    const theirs = new Reports();
    trackMethodsOf(theirs, new TrackedRuns(other, new Shutdown()));
    const run = theirs.nightly();
    expect({ ours: tracker.size, theirs: other.size }).toEqual({ ours: 0, theirs: 1 });
    theirs.gate.release();
    await run;
  });

  it('keeps the name and the metadata of the method', () => {
    expect(reports.nightly.name).toBe('nightly');
    expect(Reflect.getMetadata('mark', reports.marked)).toBe(true);
    expect(Reflect.getMetadata(TRACK_IN_FLIGHT, reports.marked)).toBe('Reports.marked');
    expect(Reflect.getMetadata(TRACK_IN_FLIGHT, reports.sync)).toBe('hourly report');
  });

  it('is inherited', async () => {
    class Special extends Reports {}
    const special = new Special();
    trackMethodsOf(special, runs);
    special.sync();
    expect(tracker.finished).toBe(1);
  });

  it('raises DRAIN_MISPLACED_DECORATOR on something that is no method', () => {
    const place = () => {
      class Misplaced {
        @TrackInFlight()
        get lazily() {
          return 1;
        }
      }
      return Misplaced;
    };
    expect(place).toThrow(
      expect.objectContaining({
        code: 'DRAIN_MISPLACED_DECORATOR',
        message:
          'Expected @TrackInFlight() on a method, got it on Misplaced.lazily. Put it on the method whose runs the drain must wait for.',
      }),
    );
  });
});

describe('@TrackInFlight(), in an instance that no application has been told of', () => {
  afterEach(() => {
    shutdown.isClosed = true;
  });

  it('is tracked by the application of the process', async () => {
    addApplication(runs);
    const made = new Reports();
    const run = made.nightly();
    expect(tracker.leftovers()).toMatchObject([{ kind: 'task', name: 'Reports.nightly' }]);
    made.gate.release();
    await run;
    expect(tracker.size).toBe(0);
  });

  it('is tracked by all that run, where there are several, and begins while one of them does not drain', async () => {
    const other = new InFlightTracker(new FakeClock());
    const theirs = new Shutdown();
    addApplication(runs);
    addApplication(new TrackedRuns(other, theirs));
    const made = new Reports();
    const first = made.nightly();
    expect([tracker.size, other.size]).toEqual([1, 1]);
    tracker.seal();
    const second = made.nightly();
    expect([tracker.size, other.size]).toEqual([1, 2]);
    made.gate.release();
    await Promise.all([first, second]);
    expect([tracker.size, other.size]).toEqual([0, 0]);
    theirs.isClosed = true;
  });

  it('runs untracked when that application has closed', () => {
    addApplication(runs);
    shutdown.isClosed = true;
    expect(new Reports().sync()).toBe('at once');
    expect(tracker.finished).toBe(0);
  });
});

describe('@TrackInFlight(), while draining', () => {
  class Jobs {
    readonly gate = new Gate();
    readonly log: string[] = [];

    @TrackInFlight()
    async tick(): Promise<string> {
      this.log.push('tick');
      return 'ticked';
    }

    @TrackInFlight()
    async take(job?: unknown): Promise<unknown> {
      this.log.push(`take ${String(job)}`);
      await this.gate.pass();
      return [job, await this.tick()];
    }

    @TrackInFlight()
    async leaveTimer(fire: (result: unknown) => void): Promise<void> {
      setImmediate(() => fire(this.tick()));
    }
  }

  let jobs: Jobs;
  beforeEach(() => {
    jobs = new Jobs();
    trackMethodsOf(jobs, runs);
  });

  it('skips what a scheduler begins, counts it, and lets the drain be idle', async () => {
    shutdown.isRefusing = true;
    await expect(jobs.tick()).resolves.toBeUndefined();
    await (jobs.tick as (onComplete?: null) => Promise<unknown>)(null);
    expect({ log: jobs.log, skipped: shutdown.skipped, size: tracker.size }).toEqual({ log: [], skipped: 2, size: 0 });
  });

  it('refuses a job that the consumer of a queue begins, for it would be taken for done', async () => {
    shutdown.isRefusing = true;
    expect(() => jobs.take('a job')).toThrow(
      expect.objectContaining({ code: 'DRAIN_TOO_LATE', message: expect.stringContaining("'Jobs.take'") }),
    );
    expect({ log: jobs.log, skipped: shutdown.skipped }).toEqual({ log: [], skipped: 0 });
  });

  it('begins what is called within another run, and another run alone is no reason to begin', async () => {
    const first = jobs.take('first');
    shutdown.isRefusing = true;
    expect(() => jobs.take('second')).toThrow(expect.objectContaining({ code: 'DRAIN_TOO_LATE' }));
    await expect(jobs.tick()).resolves.toBeUndefined();
    jobs.gate.release();
    await expect(first).resolves.toEqual(['first', 'ticked']);
    expect(jobs.log).toEqual(['take first', 'tick']);
  });

  it('does not take what a run has left behind for a part of it', async () => {
    const late = new Promise((resolve) => void jobs.leaveTimer(resolve));
    shutdown.isRefusing = true;
    expect(await late).toBeUndefined();
    expect(shutdown.skipped).toBe(1);
  });

  it.each([
    ['a request', () => void tracker.take('request', 'GET /orders')],
    ['a hook or a drainable', () => void (shutdown.isAwaitingParts = true)],
  ])('begins while %s is waited for, which may have called it', async (_name, hold) => {
    hold();
    shutdown.isRefusing = true;
    await expect(jobs.tick()).resolves.toBe('ticked');
  });
});
