import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { endAll, type Told } from '../../process/support/child.js';
import { type BrokerAddress } from '../../support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../../support/describe-with-brokers.js';
import { type Mode, Roll } from './bullmq-rolls.js';
import { awakeFrom, lateExitMs } from '../support/rolls.js';

/** More than a replica can do before the signal, however late that comes. */
const backlog = 200;
const modes: readonly Mode[] = ['processor', 'processors', 'callbacks', 'own'];

let redis: BrokerAddress;
let roll: Roll;

function drainingAt(told: readonly Told[]): number {
  return told.find(({ event }) => event === 'draining')!.at as number;
}

function isSandboxed(mode: Mode): boolean {
  return mode === 'processors' || mode === 'own';
}

/** Of the replica that is stopped. */
const concurrency = 5;

describeWithBrokers('redis', 'A worker of BullMQ that is stopped', () => {
  beforeAll(async () => {
    redis = await sharedBroker('redis');
  });

  afterEach(async () => {
    await endAll();
    await roll.end();
  });

  it.each(modes)('begins no job, ends those that run, and leaves the backlog to others (%s)', async (mode) => {
    roll = new Roll(redis, mode);
    const first = await roll.start({ drain: 10_000, jobMs: 200, closeMs: 1_000 });
    await roll.add(backlog);
    await roll.until('ended', 3);
    const signalledAt = Date.now();
    first.signal('SIGTERM');
    const report = await first.report();
    const ms = await awakeFrom(signalledAt, first);
    const late = (what: 'begun' | 'ended') => roll.entries(what).filter(({ at }) => at > drainingAt(first.told));
    // What was begun has ended, and the rest of the backlog is still there.
    expect(roll.entries('ended')).toHaveLength(roll.entries('begun').length);
    expect(await roll.left()).toBe(backlog - roll.entries('ended').length);
    expect(await roll.left()).toBeGreaterThan(0);
    expect(report).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    // A job that was taken in time may reach the process of its sandbox later.
    if (!isSandboxed(mode)) expect(late('begun')).toEqual([]);
    expect(late('ended').length).toBeLessThanOrEqual(concurrency);
    expect(ms).toBeLessThan(2_500);

    await roll.start({ drain: 10_000, jobMs: 10 });
    await roll.untilDone();
    expect(await roll.figures()).toEqual({ failed: 0, twice: 0, completed: backlog });
    if (mode === 'processor') expect(await roll.mails.count()).toBe(backlog);
    expect(first.hasTold('unhandled')).toBe(false);
  });

  it.each([
    ['without HTTP, app.close()', { http: false, by: 'app.close()' }],
    ['beside HTTP, SIGTERM', { http: true, by: 'SIGTERM' }],
    ['beside HTTP, app.close()', { http: true, by: 'app.close()' }],
  ] as const)('does the same however the application is made and ended (%s)', async (_, { http, by }) => {
    roll = new Roll(redis, 'processor');
    const first = await roll.start({ drain: 10_000, jobMs: 200, closeMs: 500, http });
    await roll.add(backlog);
    await roll.until('ended', 3);
    if (by === 'SIGTERM') first.signal('SIGTERM');
    else first.say('close');
    const report = await first.report();
    await first.ended;
    expect(report).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(roll.entries('begun').filter(({ at }) => at > drainingAt(first.told))).toEqual([]);
    expect(roll.entries('ended')).toHaveLength(roll.entries('begun').length);

    await roll.start({ drain: 10_000, jobMs: 10 });
    await roll.untilDone();
    expect(await roll.figures()).toEqual({ failed: 0, twice: 0, completed: backlog });
    expect(await roll.mails.count()).toBe(backlog);
    expect(first.hasTold('unhandled')).toBe(false);
  });

  it('counts the jobs that run, and sends what they send until the last has ended', async () => {
    roll = new Roll(redis, 'processor');
    // None of the first has ended when the signal comes.
    const first = await roll.start({ drain: 10_000, jobMs: 2_000 });
    await roll.add(backlog);
    await roll.until('begun', concurrency);
    first.signal('SIGTERM');
    const report = await first.report();
    expect(report.inFlight).toEqual({ atSignal: concurrency, finished: concurrency });
    expect(await roll.mails.count()).toBe(concurrency);
  });

  it.each(modes)('goes on taking jobs without the module (%s)', async (mode) => {
    roll = new Roll(redis, mode);
    const first = await roll.start({ drain: false, jobMs: 200, closesWhenTold: true });
    await roll.add(backlog);
    await roll.until('ended', 3);
    first.signal('SIGTERM');
    await first.until('destroyed');
    const begun = roll.entries('begun').length;
    // Jobs that use the database meet a closed one.
    if (mode === 'processor') while ((await roll.figures()).failed <= 20) await sleep(20);
    else await roll.until('begun', begun + 2 * concurrency + 1);
    first.say('go on');
    await first.ended;
  });

  it('is found, though it was made after bootstrap', async () => {
    roll = new Roll(redis, 'processor');
    const first = await roll.start({ drain: 10_000, jobMs: 200, late: true });
    await roll.add(backlog);
    await roll.until('ended', 3);
    first.signal('SIGTERM');
    expect(await first.report()).toMatchObject({ outcome: 'drained', clean: true });
    await first.ended;
    expect(await roll.figures()).toMatchObject({ failed: 0, twice: 0 });
    expect(roll.entries('ended')).toHaveLength(roll.entries('begun').length);
  });

  it.each(modes)('hands back at the deadline what still runs, for others to run (%s)', async (mode) => {
    roll = new Roll(redis, mode);
    const first = await roll.start({ drain: 1_000, jobMs: 30_000 });
    await roll.add(5);
    await roll.until('begun', 5);
    const signalledAt = Date.now();
    first.signal('SIGTERM');
    const report = await first.report();
    const ms = await awakeFrom(signalledAt, first);
    expect(report.outcome).toBe('timed-out');
    const jobs = report.leftovers.filter(({ detail }) => detail === 'handed back');
    expect(jobs.map(({ kind, name }) => ({ kind, name }))).toEqual(
      Array.from({ length: 5 }, () => ({ kind: 'job', name: `${roll.queue.name}:order` })),
    );
    expect(report.leftovers).toHaveLength(5);
    expect(ms).toBeLessThan(1_000 + lateExitMs);
    expect(await roll.queue.getJobCounts('active', 'failed')).toEqual({ active: 0, failed: 0 });
    expect(await roll.left()).toBe(5);

    await roll.start({ drain: 10_000, jobMs: 10 });
    await roll.untilDone();
    expect(await roll.figures()).toEqual({ failed: 0, twice: 5, completed: 5 });
  });

  /** Stops one whose jobs outlast their locks, beside another that looks for stalled jobs. */
  async function outlastLocks(mode: Mode, drain: number | false) {
    roll = new Roll(redis, mode);
    const looking = { stalledInterval: 500 };
    // Renewed every 2 s: a machine that stands still for one of them loses no lock.
    const first = await roll.start({ drain, jobMs: 6_000, workerOptions: { ...looking, lockDuration: 4_000 } });
    await roll.add(5);
    await roll.until('begun', 5);
    await roll.start({ drain: 10_000, jobMs: 10, workerOptions: looking });
    first.signal('SIGTERM');
    await first.ended;
    await roll.untilDone();
    return roll.figures();
  }

  it.each(['processor', 'own'] as const)(
    'renews the locks of jobs that outlast them while it drains (%s)',
    async (mode) => expect(await outlastLocks(mode, 10_000)).toEqual({ failed: 0, twice: 0, completed: 5 }),
  );

  it('fails such jobs without the module, which are cut from their database', async () => {
    expect(await outlastLocks('processor', false)).toMatchObject({ failed: 5 });
  });

  it('has such jobs begun twice without the module, where nobody waits for the worker', async () => {
    expect(await outlastLocks('own', false)).toMatchObject({ twice: 5 });
  });
});
