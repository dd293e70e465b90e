/** A function that a scheduler calls. */
export type Tick = (...args: unknown[]) => unknown;

/** `SchedulerRegistry` of @nestjs/schedule, as far as it is met here. All of it is public. */
export interface SchedulerRegistry {
  getCronJobs(): Map<string, CronJob>;
  getIntervals(): string[];
  getInterval(name: string): unknown;
  getTimeouts(): string[];
  getTimeout(name: string): unknown;
  addCronJob(name: string, job: CronJob): void;
  addInterval(name: string, timer: unknown): void;
  addTimeout(name: string, timer: unknown): void;
}

/** `SchedulerOrchestrator` of @nestjs/schedule: it is told of each decorated method, and starts them at bootstrap. */
export interface SchedulerOrchestrator {
  addCron(target: Tick, options: { readonly name?: string }): void;
  addInterval(target: Tick, timeoutMs: number, name?: string): void;
  addTimeout(target: Tick, timeoutMs: number, name?: string): void;
}

/** `ScheduleExplorer` of @nestjs/schedule: it looks at each method of each provider, and tells the orchestrator. */
export interface ScheduleExplorer {
  lookupSchedulers?(instance: object, method: string): void;
}

/** A job of the package `cron`. */
export interface CronJob {
  /** Calls the callbacks. The registry puts a function of its own in its place. */
  fireOnTick(): unknown;
  stop(): unknown;
  /** Since cron 4; `running` before. */
  readonly isActive?: boolean;
  readonly running?: boolean;
  /** It is called whenever the job is stopped. */
  readonly onComplete?: unknown;
  /** Not public. Where it is missing, a job for one date that tells of its end runs while the application drains. */
  readonly _timeout?: unknown;
  /** Not public. Where it is missing, the runs of jobs that are added by hand are not waited for. */
  readonly _callbacks?: Tick[];
}
