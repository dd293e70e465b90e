import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import {
  type SchedulerRegistry as MetRegistry,
  type Tick,
} from '../../../../../src/drainables/jobs/schedule/schedule.js';
import { ScheduleDrainable } from '../../../../../src/drainables/jobs/schedule/schedule-drainable.js';
import { Gate } from '../../../../support/gate.js';
import { counting } from '../counting.js';

const everySecond = '* * * * * *';
/** A job that starts in the moment in which it is due may run at once. */
const everyYear = '0 0 1 1 *';

/** What an orchestrator of Nest keeps. */
class Orchestrator {
  readonly targets: Tick[] = [];
  addCron(target: Tick, _options: { name?: string }) {
    this.targets.push(target);
  }
  addInterval(target: Tick, _ms: number, _name?: string) {
    this.targets.push(target);
  }
  addTimeout(target: Tick, _ms: number, _name?: string) {
    this.targets.push(target);
  }
}

/** Looks for decorated methods, as that of Nest does. */
class Explorer {
  constructor(private readonly orchestrator: Orchestrator) {}
  lookupSchedulers(instance: object, method: string) {
    this.orchestrator.addCron(() => (instance as Record<string, Tick>)[method]!(), {});
  }
}

describe('The drainable of schedulers', () => {
  let counted: ReturnType<typeof counting>;
  let drainable: ScheduleDrainable;
  let registry: SchedulerRegistry;
  let orchestrator: Orchestrator;
  let gate: Gate;

  beforeEach(() => {
    counted = counting();
    drainable = new ScheduleDrainable(counted.calls);
    registry = new SchedulerRegistry();
    orchestrator = new Orchestrator();
    drainable.meetRegistry(registry as unknown as MetRegistry);
    drainable.meetOrchestrator(orchestrator);
    gate = new Gate();
  });

  afterEach(() => {
    for (const job of registry.getCronJobs().values()) void job.stop();
    for (const name of registry.getIntervals()) registry.deleteInterval(name);
  });

  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const run = () => gate.pass();

  it('counts the runs of decorated methods until their promises have settled', async () => {
    orchestrator.addCron(run, { name: 'cleaning' });
    orchestrator.addInterval(run, 10, 'polling');
    orchestrator.addTimeout(run, 10);
    for (const target of orchestrator.targets) target();
    expect(counted.inFlight()).toEqual(['cron cleaning', 'cron polling', 'cron a timeout']);
    gate.release();
    await turn();
    expect(counted.inFlight()).toEqual([]);
  });

  it('names them by their methods where it has met the explorer', () => {
    class Reports {
      send() {
        return run();
      }
    }
    const explorer = new Explorer(orchestrator);
    drainable.meetExplorer(explorer);
    explorer.lookupSchedulers(new Reports(), 'send');
    orchestrator.targets[0]!();
    expect(counted.inFlight()).toEqual(['cron Reports.send']);
    orchestrator.addCron(run, { name: 'added by hand' });
    orchestrator.targets[1]!();
    expect(counted.inFlight()).toEqual(['cron Reports.send', 'cron added by hand']);
    gate.release();
  });

  it('counts the runs of cron jobs that are added by hand, once', async () => {
    const job = new CronJob(everySecond, run);
    registry.addCronJob('nightly', job);
    void job.fireOnTick();
    void job.fireOnTick();
    expect(counted.inFlight()).toEqual(['cron nightly', 'cron nightly']);
    gate.release();
    await turn();
    expect(counted.inFlight()).toEqual([]);
  });

  it('counts the runs of cron jobs that a registry has when it is met', () => {
    const filled = new SchedulerRegistry();
    const job = new CronJob(everySecond, run);
    filled.addCronJob('nightly', job);
    drainable.meetRegistry(filled as unknown as MetRegistry);
    void job.fireOnTick();
    expect(counted.inFlight()).toEqual(['cron nightly']);
    gate.release();
  });

  it.each([
    ['intervals', (filled: SchedulerRegistry, ran: () => void) => filled.addInterval('polling', setInterval(ran, 1))],
    ['timeouts', (filled: SchedulerRegistry, ran: () => void) => filled.addTimeout('polling', setTimeout(ran, 1))],
  ])('counts the runs of %s that a registry has when it is met', async (_, add) => {
    const filled = new SchedulerRegistry();
    const silent = run as () => void;
    add(filled, silent);
    drainable.meetRegistry(filled as unknown as MetRegistry);
    await gate.entered;
    void drainable.drain();
    expect(counted.inFlight()[0]).toBe('cron polling');
    gate.release();
  });

  it('counts the runs of intervals and timeouts that are added by hand', async () => {
    const silent = run as () => void;
    const interval = setInterval(silent, 1);
    const timeout = setTimeout(silent, 1);
    registry.addInterval('polling', interval);
    registry.addTimeout('once', timeout);
    await gate.entered;
    await turn();
    expect(counted.inFlight()[0]).toMatch(/^cron (polling|once)$/);
    clearInterval(interval);
    clearTimeout(timeout);
    gate.release();
  });

  it('stops all of them as draining begins, and keeps them in the registry', async () => {
    const ran = jest.fn<() => void>();
    const job = CronJob.from({ cronTime: everyYear, onTick: ran, start: true });
    registry.addCronJob('nightly', job);
    registry.addInterval('polling', setInterval(ran, 1));
    registry.addTimeout('once', setTimeout(ran, 1));
    void drainable.drain();
    expect(job.isActive).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ran).not.toHaveBeenCalled();
    expect(registry.getCronJob('nightly')).toBe(job);
    expect([registry.getIntervals(), registry.getTimeouts()]).toEqual([['polling'], ['once']]);
  });

  it('stops what is added, or started again, while it drains', async () => {
    const ran = jest.fn<() => void>();
    const old = CronJob.from({ cronTime: everyYear, onTick: ran, start: true });
    registry.addCronJob('old', old);
    void drainable.drain();
    registry.addInterval('new interval', setInterval(ran, 1));
    registry.addTimeout('new timeout', setTimeout(ran, 1));
    const added = CronJob.from({ cronTime: everyYear, onTick: ran, start: true });
    registry.addCronJob('new', added);
    expect(added.isActive).toBe(false);
    old.start();
    await old.fireOnTick();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ran).not.toHaveBeenCalled();
    void old.stop();
  });

  it('stops the jobs of every registry, those included of a cron that tells less of them', () => {
    const old = { running: true, ran: 0, fireOnTick: () => old.ran++, stop: () => undefined };
    const other = new SchedulerRegistry();
    drainable.meetRegistry(other as unknown as MetRegistry);
    const stopped: string[] = [];
    for (const [name, each] of Object.entries({ registry, other })) {
      const stop = () => void stopped.push(name);
      each.addCronJob('nightly', { ...old, stop } as unknown as CronJob);
    }
    const job = Object.assign(old, { stop: () => void stopped.push('old') });
    registry.addCronJob('old', job as unknown as CronJob);
    job.fireOnTick();
    void drainable.drain();
    expect(stopped).toEqual(['registry', 'old', 'other']);
    // A handler has started it again.
    job.fireOnTick();
    expect(job.ran).toBe(1);
  });

  it('leaves a timer alone that has fired, or was cleared, before it is added, and what is none', () => {
    const other = new SchedulerRegistry();
    drainable.meetRegistry(other as unknown as MetRegistry);
    for (const [n, none] of [undefined, null, 7].entries()) other.addTimeout(`none ${n}`, none);
    const timer = setTimeout(() => undefined, 1_000);
    clearTimeout(timer);
    registry.addTimeout('once', timer);
    expect(timer).toMatchObject({ _onTimeout: null });
  });

  it('lets work in flight run a job by hand while it drains', async () => {
    const ran = jest.fn<() => void>();
    const job = CronJob.from({ cronTime: everyYear, onTick: ran, start: true });
    registry.addCronJob('nightly', job);
    void drainable.drain();
    await job.fireOnTick();
    expect(ran).toHaveBeenCalledTimes(1);
  });

  it('has a job tell of its end once, when Nest stops it', async () => {
    const ended = jest.fn<() => void>();
    const ran = jest.fn<() => void>();
    const job = CronJob.from({ cronTime: everyYear, onTick: ran, onComplete: ended, start: true });
    registry.addCronJob('nightly', job as unknown as CronJob);
    void drainable.drain();
    await job.fireOnTick();
    expect(ran).not.toHaveBeenCalled();
    registry.deleteCronJob('nightly');
    await turn();
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it('starts no job for one date that tells of its end, and has it tell of that when Nest stops it', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const ran = jest.fn<() => void>();
      const ended = jest.fn<() => void>();
      const cronTime = new Date(Date.now() + 5_000);
      const job = CronJob.from({ cronTime, onTick: ran, onComplete: ended, start: true });
      registry.addCronJob('once', job as unknown as CronJob);
      void drainable.drain();
      jest.advanceTimersByTime(10_000);
      await turn();
      expect([ran, ended].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
      registry.deleteCronJob('once');
      await turn();
      expect(ended).toHaveBeenCalledTimes(1);
    } finally {
      jest.useRealTimers();
    }
  });

  it('stops timers that tests have put in the place of real ones', () => {
    jest.useFakeTimers();
    try {
      const ran = jest.fn<() => void>();
      registry.addInterval('polling', setInterval(ran, 10));
      jest.advanceTimersByTime(25);
      expect(ran).toHaveBeenCalledTimes(2);
      void drainable.drain();
      jest.advanceTimersByTime(100);
      expect(ran).toHaveBeenCalledTimes(2);
    } finally {
      jest.useRealTimers();
    }
  });

  it('calls what it counts as it would be called', () => {
    const seen: unknown[] = [];
    const target = function (this: unknown, ...args: unknown[]) {
      seen.push(this, ...args);
      return 'returned';
    };
    orchestrator.addCron(target, {});
    expect(orchestrator.targets[0]!.call('this', 1, 2)).toBe('returned');
    expect(seen).toEqual(['this', 1, 2]);
  });
});
