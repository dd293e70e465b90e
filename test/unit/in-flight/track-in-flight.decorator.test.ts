import 'reflect-metadata';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { InFlightTracker } from '../../../src/in-flight/in-flight-tracker.js';
import { TRACK_IN_FLIGHT } from '../../../src/in-flight/metadata.js';
import { TrackInFlight, trackMethodsOf } from '../../../src/in-flight/track-in-flight.decorator.js';
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

let tracker: InFlightTracker;
let reports: Reports;
beforeEach(() => {
  tracker = new InFlightTracker(new FakeClock());
  reports = new Reports();
  trackMethodsOf(reports, tracker);
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
    trackMethodsOf(theirs, other);
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
    trackMethodsOf(special, tracker);
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
