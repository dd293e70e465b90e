import { DrainError } from '../sequence/errors.js';
import { type Lease } from './lease.js';
import { copyFunction, TRACK_IN_FLIGHT } from './metadata.js';
import { promiseOf, runUntilSettled } from './run-until-settled.js';

interface LeaseTaker {
  take(kind: string, name: string): Lease;
}

/** For each instance, the tracker of the application that it belongs to. */
const trackers = new WeakMap<object, LeaseTaker>();

/** Ties the `@TrackInFlight()` methods of `instance` to the tracker of its application. */
export function trackMethodsOf(instance: object, tracker: LeaseTaker): void {
  trackers.set(instance, tracker);
}

/**
 * Makes each run of a method (a cron handler, an event listener, a consumer) a piece of in-flight work: the drain waits
 * for the promise it returns. Of something else that can be waited for (a query that is sent when somebody waits for
 * it) it takes a promise, once, and returns that one.
 *
 * A run that begins after the drain is over raises `DRAIN_TOO_LATE`. An instance that no application with the module
 * has created runs untracked.
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
      const lease = trackers.get(this)?.take('task', leaseName);
      if (!lease) return run.apply(this, args);
      return runUntilSettled(
        () => promiseOf(run.apply(this, args)),
        () => lease.release(),
      );
    });
    Reflect.defineMetadata(TRACK_IN_FLIGHT, leaseName, tracked);
    descriptor.value = tracked as typeof descriptor.value;
  };
}
