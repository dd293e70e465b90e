import { AsyncLocalStorage } from 'node:async_hooks';
import { DrainError } from '../sequence/errors.js';
import { type Lease } from './lease.js';

/** What keeps the leases. */
interface LeaseTaker {
  readonly size: number;
  readonly isSealed: boolean;
  take(kind: string, name: string): Lease;
}

/** How far the shutdown of an application is, as far as a run that is about to begin is concerned. */
export interface RunsShutdown {
  /** Reports whether new work is refused. */
  readonly isRefusing: boolean;
  /** Reports whether nobody waits any longer, and nothing is left to be told. */
  readonly isClosed: boolean;
  /** Reports whether a hook or a drainable is being waited for: it may call whatever it needs. */
  readonly isAwaitingParts: boolean;
  /** A run was not begun. */
  runSkipped(): void;
}

/**
 * The runs of `@TrackInFlight()` methods in one application.
 *
 * Who calls such a method decides whether a run begins while the application drains. One that is called from work in
 * flight begins: that work is waited for, and needs it. One that a scheduler begins would keep the drain from ever
 * being idle. Nobody tells the two apart in words, and what follows loses nothing:
 *
 * - within another run, which asynchronous context tells, it begins;
 * - while anything else is in flight (a request, a message, `track()`, a lease, a hook, a drainable) it begins, for
 *   that may have called it;
 * - otherwise a scheduler has. Where it is given nothing it is skipped; where it is given something (a job, an event)
 *   it is refused, for who sent it would take a run that ends without an error for done.
 */
export class TrackedRuns {
  private running = 0;

  constructor(
    private readonly tracker: LeaseTaker,
    private readonly shutdown: RunsShutdown,
  ) {}

  get isClosed(): boolean {
    return this.shutdown.isClosed;
  }

  /** Reports whether a run that is about to begin may. */
  get areAdmitted(): boolean {
    const { isRefusing, isAwaitingParts } = this.shutdown;
    if (this.tracker.isSealed) return false;
    return !isRefusing || isAwaitingParts || this.tracker.size > this.running || isWithinRun();
  }

  /** A run begins. Returns what ends it. */
  begin(name: string): () => void {
    const lease = this.tracker.take('task', name);
    this.running++;
    return () => {
      this.running--;
      lease.release();
    };
  }

  /**
   * A run that is not admitted is skipped.
   *
   * @throws DrainError `DRAIN_TOO_LATE` where the drain is over, and where something would be lost
   */
  skip(name: string, args: readonly unknown[]): void {
    // It raises: nobody waits for what begins now, and resources are being released.
    if (this.tracker.isSealed) return this.begin(name)();
    if (args.some((arg) => arg !== undefined && arg !== null)) {
      throw new DrainError(
        'DRAIN_TOO_LATE',
        `Expected '${name}' to be called from work in flight while draining, got it from something that goes on ` +
          'beginning new work. Stop that (the consumer, the listener) when draining begins.',
      );
    }
    this.shutdown.runSkipped();
  }
}

/** A run that has begun, for what is called within it. */
interface Run {
  isRunning: boolean;
}

/** Made with the first run. */
let runs: AsyncLocalStorage<Run> | undefined;
let running = 0;

function isWithinRun(): boolean {
  return runs?.getStore()?.isRunning === true;
}

/**
 * Calls `call`, and counts what is called within it as called from this run until `call` is told that it has ended.
 * What it leaves behind (a timer) is no longer within it.
 *
 * While asynchronous context is in use each promise of the process costs more on Node 22 and before (130 ns instead of
 * 50). So it is switched off whenever no run is in progress.
 */
export function withinRun<T>(call: (ended: () => void) => T): T {
  const storage = (runs ??= new AsyncLocalStorage<Run>());
  const run: Run = { isRunning: true };
  running++;
  return storage.run(run, call, () => {
    run.isRunning = false;
    if (--running === 0) storage.disable();
  });
}

/** For each instance that is known, the runs of the application that it belongs to. */
const known = new WeakMap<object, TrackedRuns>();
/** The applications of this process. It does not keep them. */
const applications = new Set<WeakRef<TrackedRuns>>();

/** An application begins: providers are being made. */
export function addApplication(runsOfIt: TrackedRuns): void {
  livingApplications();
  applications.add(new WeakRef(runsOfIt));
}

/** Ties the `@TrackInFlight()` methods of `instance` to its application. */
export function trackMethodsOf(instance: object, runsOfIt: TrackedRuns): void {
  known.set(instance, runsOfIt);
}

/**
 * The applications that wait for the runs of `instance`. One that is request-scoped or transient, or that was made by
 * hand, or comes before the end of bootstrap, is not known: all applications of the process wait for it, of which there
 * is one, outside tests.
 */
export function applicationsOf(instance: object): readonly TrackedRuns[] {
  const own = known.get(instance);
  return own ? [own] : livingApplications();
}

function livingApplications(): readonly TrackedRuns[] {
  return [...applications].flatMap((ref) => {
    const application = ref.deref();
    if (application && !application.isClosed) return application;
    applications.delete(ref);
    return [];
  });
}
