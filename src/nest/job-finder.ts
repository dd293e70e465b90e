import { type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { BullConnections } from '../drainables/jobs/bullmq/bull-connections.js';
import { drainableOf } from '../drainables/jobs/bullmq/worker-drainable.js';
import { type BullWorker } from '../drainables/jobs/bullmq/worker.js';
import { countCommands, countEventHandlers } from '../drainables/jobs/cqrs/count-cqrs.js';
import { EventEmitterDrainable } from '../drainables/jobs/events/event-emitter-drainable.js';
import { ScheduleDrainable } from '../drainables/jobs/schedule/schedule-drainable.js';
import { countIn } from '../drainables/jobs/shared/counted-source.js';
import { overlay } from '../drainables/shared/overlay.js';
import { hasReached } from '../sequence/phase.js';
import {
  type BullExplorer,
  type BullQueue,
  hasProcessors,
  type JobSources,
  jobSourceOf,
  workerOf,
  workersAreSeen,
  workersOf,
} from './insides/jobs.js';
import { providersOf } from './insides/modules.js';

/**
 * Finds what begins work by itself among the providers: schedulers, emitters of events, the buses of CQRS, workers of
 * BullMQ. Schedulers and emitters are met before the first init hook, for decorated methods are handed to them in it;
 * workers as soon as their processor is; and all once more as draining begins, for modules may have been loaded lazily.
 */
export class JobFinder {
  private readonly met = new WeakSet<object>();
  private readonly queues: BullQueue[] = [];
  private readonly connections: BullConnections;
  private schedule?: ScheduleDrainable;
  private emitters?: EventEmitterDrainable;

  constructor(
    private readonly core: DrainCore,
    private readonly modules: ModulesContainer,
  ) {
    this.connections = new BullConnections(core.clock, {
      isOver: () => hasReached(core.phase, 'releasing'),
      isLate: () => core.sequence.abortSignal.aborted,
    });
  }

  /** All providers have been made, and no init hook has run. */
  start(): void {
    this.look();
    this.core.events.subscribe((event) => {
      if (event.type === 'phase' && event.phase === 'draining') this.lookAtLast();
    });
  }

  /** Looks for what has been made meanwhile. */
  look(): void {
    for (const { instance } of providersOf(this.modules)) {
      if (typeof instance !== 'object' || instance === null) continue;
      this.addWorker(workerOf(instance));
      if (this.met.has(instance)) continue;
      this.met.add(instance);
      const kind = jobSourceOf(instance);
      if (kind) (this.meet[kind] as (source: object) => void)(instance);
    }
  }

  /** What of it cannot be drained, in a sentence each. */
  warnings(): readonly string[] {
    const unseen = this.queues.filter(hasProcessors);
    if (unseen.length === 0 || workersAreSeen(this.bullModule)) return [];
    const names = unseen.map(({ name }) => `'${name}'`).join(', ');
    return [
      `The workers of registerQueue({ processors }) cannot be seen (${names}): their jobs are cut. ` +
        'Use @Processor() classes, or make the workers yourself and register(drainableWorker(worker)).',
    ];
  }

  private readonly meet: { readonly [Kind in keyof JobSources]: (source: JobSources[Kind]) => void } = {
    registry: (registry) => this.scheduleDrainable.meetRegistry(registry),
    orchestrator: (orchestrator) => this.scheduleDrainable.meetOrchestrator(orchestrator),
    scheduleExplorer: (explorer) => this.scheduleDrainable.meetExplorer(explorer),
    emitter: (emitter) => this.emitterDrainable.meet(emitter),
    commandBus: (bus) => countCommands(bus, this.core.calls),
    eventBus: (bus) => countEventHandlers(bus, this.core.calls),
    bullExplorer: (explorer) => this.meetBullExplorer(explorer),
    bullQueue: (queue) => this.meetBullQueue(queue),
    bullFlowProducer: (producer) => this.connections.meet(producer),
    bullWorker: (worker) => this.addWorker(worker),
  };

  private lookAtLast(): void {
    this.look();
    const { bullModule } = this;
    if (!bullModule) return;
    for (const queue of this.queues) {
      if (hasProcessors(queue)) workersOf(queue, bullModule).forEach((worker) => this.addWorker(worker));
    }
  }

  /** A worker begins to fetch in the turn in which it is made: its first job is counted, too. */
  private meetBullExplorer(explorer: BullExplorer): void {
    overlay<BullExplorer['handleProcessor']>(explorer, 'handleProcessor', (original) => (processor, ...rest) => {
      const result = original.call(explorer, processor, ...rest);
      this.addWorker(workerOf(processor));
      return result;
    });
  }

  private meetBullQueue(queue: JobSources['bullQueue']): void {
    this.queues.push(queue);
    this.connections.meet(queue);
  }

  private addWorker(worker: BullWorker | undefined): void {
    if (!worker) return;
    const drainable = drainableOf(worker);
    drainable[countIn](this.core.calls);
    this.connections.meet(worker);
    this.core.sequence.add(drainable);
  }

  private get scheduleDrainable(): ScheduleDrainable {
    if (!this.schedule) this.core.sequence.add((this.schedule = new ScheduleDrainable(this.core.calls)));
    return this.schedule;
  }

  private get emitterDrainable(): EventEmitterDrainable {
    if (!this.emitters) this.core.sequence.add((this.emitters = new EventEmitterDrainable(this.core.calls)));
    return this.emitters;
  }

  private get bullModule(): object | undefined {
    for (const { metatype } of this.modules.values()) if (metatype && '_workerClass' in metatype) return metatype;
    return undefined;
  }
}
