import { types } from 'node:util';
import { type BullConnection } from '../../drainables/jobs/bullmq/bull-connections.js';
import { type BullWorker, isBullWorker } from '../../drainables/jobs/bullmq/worker.js';
import { type CommandBus, type EventBus } from '../../drainables/jobs/cqrs/buses.js';
import { type EventEmitter2 } from '../../drainables/jobs/events/event-emitter.js';
import {
  type ScheduleExplorer,
  type SchedulerOrchestrator,
  type SchedulerRegistry,
} from '../../drainables/jobs/schedule/schedule.js';

type AnyFunction = (...args: unknown[]) => unknown;

/** What an instance of a provider can turn out to be. Optional packages are not imported: it goes by its methods. */
export interface JobSources {
  readonly registry: SchedulerRegistry;
  readonly orchestrator: SchedulerOrchestrator;
  readonly scheduleExplorer: ScheduleExplorer;
  readonly emitter: EventEmitter2;
  readonly commandBus: CommandBus;
  readonly eventBus: EventBus;
  readonly bullExplorer: BullExplorer;
  readonly bullQueue: BullQueue & BullConnection;
  readonly bullFlowProducer: BullConnection;
  readonly bullWorker: BullWorker;
}

/** `BullExplorer` of @nestjs/bullmq: it makes the worker of each processor. */
export interface BullExplorer {
  handleProcessor(processor: object, ...rest: unknown[]): unknown;
}

/** A `Queue` of bullmq that @nestjs/bullmq has made. */
export interface BullQueue {
  readonly name: string;
  /** As `registerQueue()` was given them. */
  readonly opts?: { readonly processors?: unknown };
  onApplicationShutdown?: AnyFunction;
}

/**
 * The methods that tell what something is. What has them is taken for it.
 *
 * Relies on them being methods of the classes named (since @nestjs/schedule 4, @nestjs/event-emitter 2, @nestjs/cqrs
 * 10, @nestjs/bullmq 10). Where one is missing, that source of work is neither stopped nor waited for.
 */
const methods: Readonly<Record<keyof JobSources, readonly string[]>> = {
  registry: ['getCronJobs', 'getIntervals', 'getTimeouts', 'addCronJob'],
  orchestrator: ['addCron', 'addInterval', 'addTimeout'],
  scheduleExplorer: ['lookupSchedulers'],
  emitter: ['emitAsync', 'prependListener', 'onAny', 'waitFor'],
  commandBus: ['execute', 'registerHandler', 'getCommandId'],
  eventBus: ['publish', 'bind', 'registerSagas'],
  bullExplorer: ['handleProcessor', 'registerWorkers'],
  bullWorker: ['pause', 'isPaused', 'isRunning', 'close', 'run'],
  bullQueue: ['addBulk', 'getJobCounts', 'onApplicationShutdown'],
  bullFlowProducer: ['addBulk', 'getFlow', 'close'],
};
const kinds = Object.keys(methods) as (keyof JobSources)[];

/** What a provider's instance is, if it is a source of jobs. Touches no getter, and never throws. */
export function jobSourceOf(instance: object): keyof JobSources | undefined {
  for (let each: object | null = instance; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    if (types.isProxy(each)) return undefined;
  }
  return kinds.find((kind) => methods[kind].every((name) => hasMethod(instance, name)));
}

/**
 * The worker of a processor.
 *
 * Relies on `WorkerHost._worker` (since @nestjs/bullmq 1), which `@nestjs/bullmq` sets in the first init hook. Where it
 * is missing, processors are not drained.
 */
export function workerOf(processor: object): BullWorker | undefined {
  if (types.isProxy(processor)) return undefined;
  const worker: unknown = Object.getOwnPropertyDescriptor(processor, '_worker')?.value;
  return isBullWorker(worker) ? worker : undefined;
}

/** Reports whether a queue has workers of its own: `registerQueue({ processors })`. */
export function hasProcessors({ opts }: BullQueue): boolean {
  return Array.isArray(opts?.processors) && opts.processors.length > 0;
}

/**
 * The workers of `registerQueue({ processors })`, which only a function knows that closes them. It is called, in a turn
 * in which the class of workers only notes whom it was to close, with something in the place of the queue.
 *
 * Relies on `Queue.onApplicationShutdown`, an own property whose function calls `close()` of each worker at once (since
 * @nestjs/bullmq 1), and on `BullModule._workerClass`. A worker of another class, where `BullModule.workerClass` has
 * been set twice, begins to close by this: it must not be asked before the worker is to stop.
 */
export function workersOf(queue: BullQueue, bullModule: object): readonly BullWorker[] {
  const workerClass = workerClassOf(bullModule);
  if (!workerClass || !Object.hasOwn(queue, 'onApplicationShutdown')) return [];
  const met: unknown[] = [];
  const restore = closingIs(workerClass.prototype as object, (worker) => void met.push(worker));
  try {
    const standIn = { close: async () => undefined };
    void Promise.resolve(queue.onApplicationShutdown?.call(standIn)).catch(() => undefined);
  } finally {
    restore();
  }
  return met.filter(isBullWorker);
}

/** Reports whether `workersOf` has anywhere to look. */
export function workersAreSeen(bullModule: object | undefined): boolean {
  return bullModule !== undefined && workerClassOf(bullModule) !== undefined;
}

function workerClassOf(bullModule: object): { readonly prototype: unknown } | undefined {
  const value: unknown = (bullModule as { _workerClass?: unknown })._workerClass;
  return typeof value === 'function' && hasMethod(value.prototype as object, 'close') ? value : undefined;
}

/** Puts `close` in the place of that of a class, and of those that it extends. Returns what puts them back. */
function closingIs(prototype: object, close: (worker: unknown) => void): () => void {
  const before: (() => void)[] = [];
  for (let each = prototype; each && each !== Object.prototype; each = Object.getPrototypeOf(each) as object) {
    const property = Object.getOwnPropertyDescriptor(each, 'close');
    if (!property?.configurable) continue;
    const holder = each;
    Object.defineProperty(holder, 'close', {
      ...property,
      value: async function (this: unknown) {
        close(this);
      },
    });
    before.push(() => Object.defineProperty(holder, 'close', property));
  }
  return () => before.forEach((restore) => restore());
}

function hasMethod(instance: object, name: string): boolean {
  for (let each: object | null = instance; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    const property = Object.getOwnPropertyDescriptor(each, name);
    if (property) return typeof property.value === 'function';
  }
  return false;
}
