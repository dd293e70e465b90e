import { beforeEach, describe, expect, it } from '@jest/globals';
import { drainablePgBoss, PgBossDrainable } from '../../../../../src/drainables/jobs/pg-boss/pg-boss-drainable.js';
import { countIn } from '../../../../../src/drainables/jobs/shared/counted-source.js';
import { settle } from '../../../../support/fake-clock.js';
import { Gate } from '../../../../support/gate.js';
import { counting } from '../counting.js';

type Handler = (jobs: unknown[]) => Promise<unknown>;

/** A pg-boss without a database. */
class FakeBoss {
  readonly steps: string[] = [];
  readonly handlers = new Map<string, Handler>();
  queues: readonly { name: string }[] = [];

  work = async (queue: string, ...args: unknown[]): Promise<string> => {
    this.handlers.set(queue, args.at(-1) as Handler);
    return 'id';
  };
  offWork = async (queue: string) => void this.steps.push(`off ${queue}`);
  stop = async (options: object = {}) => void this.steps.push(`stop ${JSON.stringify(options)}`);
  send = async () => 'id';
  getQueues = async () => this.queues;
}

describe('The drainable of a pg-boss', () => {
  let boss: FakeBoss;
  let counted: ReturnType<typeof counting>;
  let drainable: PgBossDrainable;
  let gate: Gate;

  beforeEach(() => {
    boss = new FakeBoss();
    counted = counting();
    drainable = new PgBossDrainable(boss, counted.clock);
    drainable[countIn](counted.calls);
    gate = new Gate();
  });

  it('stops the workers of all queues as draining begins, those included that it has not seen begin', async () => {
    boss.queues = [{ name: 'orders' }, { name: 'mails' }];
    await boss.work('orders', { batchSize: 2 }, async () => undefined);
    await drainable.drain();
    expect(boss.steps).toEqual(['off orders', 'off mails']);
  });

  it('has drained when the jobs that run have ended, and stops then', async () => {
    await boss.work('orders', () => gate.pass());
    const handled = boss.handlers.get('orders')!([{ id: 1 }]);
    expect(counted.inFlight()).toEqual(['job orders']);
    let hasDrained = false;
    void drainable.drain().then(() => (hasDrained = true));
    await settle();
    expect(hasDrained).toBe(false);
    gate.release();
    await handled;
    await settle();
    expect(hasDrained).toBe(true);
    expect(counted.inFlight()).toEqual([]);
    await drainable.close();
    expect(boss.steps).toEqual(['off orders', 'stop {"graceful":true,"timeout":1000}']);
  });

  it('has not drained before the pool, which serves in order, has come to what became of the jobs', async () => {
    await boss.work('orders', () => gate.pass());
    void boss.handlers.get('orders')!([{ id: 1 }]).then(() => boss.steps.push('complete'));
    const last = new Gate();
    boss.getQueues = async () => {
      boss.steps.push('ask');
      if (boss.steps.includes('complete')) await last.pass();
      return [];
    };
    let hasDrained = false;
    const drained = drainable.drain().then(() => (hasDrained = true));
    gate.release();
    await last.entered;
    await settle();
    expect(boss.steps).toEqual(['off orders', 'ask', 'complete', 'ask']);
    expect(hasDrained).toBe(false);
    last.release();
    await drained;
  });

  it('has pg-boss fail what still runs at the deadline, names it, and stops once', async () => {
    await boss.work('orders', () => gate.pass());
    void boss.handlers.get('orders')!([{ id: 1 }]);
    void drainable.drain();
    await counted.clock.advance(700);
    expect(await drainable.forceClose()).toMatchObject([{ kind: 'job', name: 'orders', ageMs: 700 }]);
    await drainable.close();
    expect(boss.steps.filter((step) => step.startsWith('stop'))).toEqual(['stop {"graceful":false}']);
    gate.release();
  });

  it('hands a handler its jobs, and pg-boss what it returns or rejects with', async () => {
    await boss.work('orders', async (jobs: unknown[]) => jobs.length);
    await boss.work('mails', () => Promise.reject(new Error('no server')));
    expect(await boss.handlers.get('orders')!([1, 2])).toBe(2);
    await expect(boss.handlers.get('mails')!([1])).rejects.toThrow('no server');
    expect(counted.inFlight()).toEqual([]);
  });

  it('has not drained before the workers have stopped fetching', async () => {
    boss.offWork = async (queue) => {
      await gate.pass();
      boss.steps.push(`off ${queue}`);
    };
    await boss.work('orders', async () => undefined);
    let hasDrained = false;
    const drained = drainable.drain().then(() => (hasDrained = true));
    await gate.entered;
    await settle();
    expect(hasDrained).toBe(false);
    gate.release();
    await drained;
    expect(boss.steps).toEqual(['off orders']);
  });

  it('leaves a call without a handler to pg-boss, which raises', async () => {
    const given: unknown[] = [];
    const bare = Object.assign(new FakeBoss(), { work: async (...args: unknown[]) => void given.push(...args) });
    new PgBossDrainable(bare, counted.clock);
    await bare.work('orders', { batchSize: 2 });
    expect(given).toEqual(['orders', { batchSize: 2 }]);
  });

  it('stops the workers that it has seen begin where its pg-boss does not list queues', async () => {
    Object.assign(boss, { getQueues: undefined });
    await boss.work('orders', async () => undefined);
    await drainable.drain();
    expect(boss.steps).toEqual(['off orders']);
  });

  it('drains where the database no longer answers', async () => {
    boss.getQueues = () => Promise.reject(new Error('connection terminated'));
    await boss.work('orders', async () => undefined);
    await drainable.drain();
    expect(boss.steps).toEqual(['off orders']);
  });
});

describe('drainablePgBoss()', () => {
  it('makes one drainable for a pg-boss, and raises for anything else', () => {
    const boss = new FakeBoss();
    expect(drainablePgBoss(boss)).toBe(drainablePgBoss(boss));
    const { work, offWork: _, stop, send } = boss;
    for (const other of [{}, null, 'orders', { work, stop, send }]) {
      expect(() => drainablePgBoss(other as object)).toThrow('Expected drainablePgBoss() to be given a PgBoss');
    }
  });
});
