import { classOf } from '../../../in-flight/class-of.js';
import { type CountedCalls } from '../../../in-flight/counted-calls.js';
import { type Drainable, type Leftover } from '../../../sequence/drainable.js';
import { isObject } from '../../shared/is-object.js';
import { overlay } from '../../shared/overlay.js';
import {
  type CronJob,
  type ScheduleExplorer,
  type SchedulerOrchestrator,
  type SchedulerRegistry,
  type Tick,
} from './schedule.js';

/**
 * The schedulers of @nestjs/schedule: cron jobs, intervals and timeouts, those of decorators and those that are added
 * to the `SchedulerRegistry`. All stop as draining begins; what runs by then is waited for. None is taken out of the
 * registry, so that a handler that looks for its own job finds it. Nest does that when it destroys.
 */
export class ScheduleDrainable implements Drainable {
  readonly name = 'schedulers';
  private readonly counted = new WeakSet<Tick>();
  private registries: readonly SchedulerRegistry[] = [];
  private isDraining = false;
  /** What the explorer looks at. */
  private explored?: readonly [instance: object, method: string];

  constructor(private readonly calls: CountedCalls) {}

  /** Names runs by their methods. Where it is not met, they go by the names of their schedulers. */
  meetExplorer(explorer: ScheduleExplorer): void {
    overlay<(instance: object, key: string) => void>(explorer, 'lookupSchedulers', (original) => (instance, key) => {
      this.explored = [instance, key];
      try {
        return original.call(explorer, instance, key);
      } finally {
        this.explored = undefined;
      }
    });
  }

  /** Counts the runs of decorated methods. It must be met before the first init hook. */
  meetOrchestrator(orchestrator: SchedulerOrchestrator): void {
    overlay<SchedulerOrchestrator['addCron']>(orchestrator, 'addCron', (original) => (target, options) => {
      return original.call(orchestrator, this.count(target, options.name ?? 'a cron job'), options);
    });
    for (const method of ['addInterval', 'addTimeout'] as const) {
      overlay<SchedulerOrchestrator['addInterval']>(
        orchestrator,
        method,
        (original) =>
          (target, timeoutMs, ...rest) => {
            const counted = this.count(target, rest[0] ?? (method === 'addInterval' ? 'an interval' : 'a timeout'));
            return original.call(orchestrator, counted, timeoutMs, ...rest);
          },
      );
    }
  }

  /** Counts the runs of what is added to the registry by hand, and stops what is added while draining. */
  meetRegistry(registry: SchedulerRegistry): void {
    this.registries = [...this.registries, registry];
    for (const [name, job] of registry.getCronJobs()) this.meetCronJob(name, job);
    for (const name of registry.getIntervals()) this.meetTimer(name, registry.getInterval(name));
    for (const name of registry.getTimeouts()) this.meetTimer(name, registry.getTimeout(name));
    overlay<SchedulerRegistry['addCronJob']>(registry, 'addCronJob', (original) => (name, job) => {
      original.call(registry, name, job);
      this.meetCronJob(name, job);
      if (this.isDraining) stop(job);
    });
    for (const method of ['addInterval', 'addTimeout'] as const) {
      overlay<SchedulerRegistry['addInterval']>(registry, method, (original) => (name, timer) => {
        original.call(registry, name, timer);
        this.meetTimer(name, timer);
        if (this.isDraining) clear(timer);
      });
    }
  }

  async drain(): Promise<void> {
    this.isDraining = true;
    for (const registry of this.registries) {
      for (const job of registry.getCronJobs().values()) stop(job);
      for (const name of registry.getIntervals()) clear(registry.getInterval(name));
      for (const name of registry.getTimeouts()) clear(registry.getTimeout(name));
    }
  }

  async forceClose(): Promise<readonly Leftover[]> {
    return [];
  }

  private meetCronJob(name: string, job: CronJob): void {
    overlay<Tick>(job, 'fireOnTick', (original) => (...args) => {
      // Of a job that a handler has started again meanwhile. One that is stopped is called by hand.
      if (this.isDraining && (job.isActive ?? job.running)) return Promise.resolve();
      job._callbacks?.forEach((callback, index, all) => (all[index] = this.count(callback, name)));
      return original.apply(job, args);
    });
  }

  /** Node keeps the function of a timer as a property; fake timers do not. */
  private meetTimer(name: string, timer: unknown): void {
    if (isObject(timer)) overlay<Tick>(timer, '_onTimeout', (original) => this.count(original, name));
  }

  private count(target: Tick, name: string): Tick {
    if (this.counted.has(target)) return target;
    const { calls, explored } = this;
    const named = explored ? methodName(...explored) : name;
    const counted: Tick = function (this: unknown, ...args) {
      return calls.run('cron', named, () => target.apply(this, args));
    };
    this.counted.add(counted);
    return counted;
  }
}

/** Nest stops one that tells of its end later: stopped twice it would tell of it twice. Its timer alone is cleared. */
function stop(job: CronJob): void {
  if (typeof job.onComplete === 'function') clear(job._timeout);
  else void job.stop();
}

/** By the global function, as the registry does it: where tests have put fake timers, that one knows them. */
function clear(timer: unknown): void {
  globalThis.clearTimeout(timer as NodeJS.Timeout);
}

function methodName(instance: object, method: string): string {
  const type = classOf(Object.getPrototypeOf(instance));
  return type ? `${type.name}.${method}` : method;
}
