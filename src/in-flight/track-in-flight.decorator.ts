import { DrainError } from '../sequence/errors.js';
import { copyFunction, TRACK_IN_FLIGHT } from './metadata.js';
import { promiseOf, runUntilSettled } from './run-until-settled.js';
import { applicationsOf, type TrackedRuns, withinRun } from './tracked-runs.js';

/**
 * Makes each run of a method (a cron handler, an event listener, a consumer) a piece of in-flight work: the drain waits
 * for the promise it returns. Of something else that can be waited for (a query that is sent when somebody waits for
 * it) it takes a promise, once, and returns that one.
 *
 * While the application drains a run begins when it may have been called from work in flight: within another run, or
 * while anything else is in flight. Otherwise something that goes on beginning work has called it. Called without
 * arguments, as by a scheduler, it is then skipped: it resolves to undefined, and the report counts it. Called with
 * some, as by the consumer of a queue, it raises `DRAIN_TOO_LATE`, as every run does after the drain is over.
 *
 * Instances that Nest makes later, of request scope, transient or by hand, are tracked as others are; without an
 * application with the module nothing is.
 *
 * @param name names the work in the report. @default `Class.method`
 * @throws DrainError `DRAIN_MISPLACED_DECORATOR` when the decorator stands on something that is no method
 * @publicApi
 */
export function TrackInFlight(name?: string): MethodDecorator {
  return (target, property, descriptor) => {
    const method = descriptor?.value as unknown;
    const leaseName = name ?? `${target.constructor.name}.${String(property)}`;
    if (typeof method !== 'function') {
      throw new DrainError(
        'DRAIN_MISPLACED_DECORATOR',
        `Expected @TrackInFlight() on a method, got it on ${leaseName}. ` +
          'Put it on the method whose runs the drain must wait for.',
      );
    }
    const run = method as (...args: unknown[]) => unknown;
    const tracked = copyFunction(run, function (this: object, ...args: unknown[]): unknown {
      const applications = applicationsOf(this);
      if (applications.length === 0) return run.apply(this, args);
      const waiting = applications.filter(({ areAdmitted }) => areAdmitted);
      if (waiting.length === 0) return Promise.resolve(applications[0]!.skip(leaseName, args));
      return runTracked(waiting, leaseName, () => run.apply(this, args));
    });
    Reflect.defineMetadata(TRACK_IN_FLIGHT, leaseName, tracked);
    descriptor.value = tracked as typeof descriptor.value;
  };
}

function runTracked(applications: readonly TrackedRuns[], name: string, run: () => unknown): unknown {
  const ends = applications.map((application) => application.begin(name));
  return withinRun((ended) =>
    runUntilSettled(
      () => promiseOf(run()),
      () => {
        ended();
        for (const end of ends) end();
      },
    ),
  );
}
