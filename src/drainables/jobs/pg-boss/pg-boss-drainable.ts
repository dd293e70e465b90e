import { type CountedCalls } from '../../../in-flight/counted-calls.js';
import { type Clock, nextPoll, systemClock } from '../../../sequence/clock.js';
import { type Drainable, type Leftover } from '../../../sequence/drainable.js';
import { DrainError } from '../../../sequence/errors.js';
import { countIn, type CountedSource } from '../shared/counted-source.js';
import { overlay } from '../../shared/overlay.js';
import { type Handler, isPgBoss, type PgBoss } from './pg-boss.js';

/** It takes at least a second to stop gracefully, ms. */
const stopMs = 1_000;

/**
 * A pg-boss. As draining begins its workers stop fetching; jobs that run end, and it goes on sending. It stops when
 * everything is drained. Jobs that run past the deadline are failed by pg-boss itself, so that they are tried again
 * where their `retryLimit` allows for it.
 */
export class PgBossDrainable implements CountedSource {
  readonly name = 'pg-boss';
  private readonly queues = new Set<string>();
  private readonly running = new Map<object, { readonly queue: string; readonly startedAt: number }>();
  private calls?: CountedCalls;
  private ended: () => void = () => undefined;
  private stopping?: Promise<unknown>;

  constructor(
    private readonly boss: PgBoss,
    private readonly clock: Clock = systemClock,
  ) {
    overlay<PgBoss['work']>(boss, 'work', (original) => (queue, ...args) => {
      this.queues.add(queue);
      const handler = args.at(-1);
      if (typeof handler === 'function') args[args.length - 1] = this.count(queue, handler as Handler);
      return original.call(boss, queue, ...args);
    });
  }

  [countIn](calls: CountedCalls): void {
    this.calls = calls;
  }

  async drain(): Promise<void> {
    const stopped = Array.from(this.queues, (queue) => this.boss.offWork(queue));
    // Those that had a worker before this drainable was made are not known otherwise.
    const others = await this.askForQueues();
    for (const { name } of others) if (!this.queues.has(name)) stopped.push(this.boss.offWork(name));
    await Promise.all(stopped);
    if (this.running.size > 0) await new Promise<void>((resolve) => (this.ended = resolve));
    // Nobody waits for pg-boss to write what became of its jobs, and a pool that ends drops what waits for a client. It
    // serves in order: who asks afterwards, and is answered, knows that all of that has a client.
    await nextPoll();
    await this.askForQueues();
  }

  async forceClose(): Promise<readonly Leftover[]> {
    const now = this.clock.now();
    const leftovers = Array.from(this.running.values(), ({ queue, startedAt }) => ({
      kind: 'job',
      name: queue,
      ageMs: Math.round(now - startedAt),
      detail: 'failed by pg-boss: tried again, where its retryLimit allows for it',
    }));
    await this.stop({ graceful: false });
    return leftovers;
  }

  async close(): Promise<void> {
    await this.stop({ graceful: true, timeout: stopMs });
  }

  private async askForQueues(): Promise<readonly { readonly name: string }[]> {
    return (await this.boss.getQueues?.().catch(() => [])) ?? [];
  }

  private stop(options: Parameters<PgBoss['stop']>[0]): Promise<unknown> {
    return (this.stopping ??= this.boss.stop(options));
  }

  private count(queue: string, handler: Handler): Handler {
    return async (...args) => {
      const run = {};
      this.running.set(run, { queue, startedAt: this.clock.now() });
      const end = this.calls?.begin('job', queue);
      try {
        return await handler(...args);
      } finally {
        end?.();
        this.running.delete(run);
        if (this.running.size === 0) this.ended();
      }
    };
  }
}

const drainables = new WeakMap<PgBoss, PgBossDrainable>();

/**
 * Makes a drainable of a pg-boss: give it to `GracefulShutdown.register()`, before you call `work()`, and do not stop
 * the pg-boss yourself.
 *
 * As draining begins its workers stop fetching; jobs that run end, and it goes on sending. At the drain deadline
 * pg-boss fails what still runs, so that it is tried again: give your queues a `retryLimit` of one or more. It stops
 * when everything is drained.
 *
 * @param boss a `PgBoss` of `pg-boss`
 * @throws DrainError `DRAIN_INVALID_ARGUMENT` for anything else
 * @publicApi
 */
export function drainablePgBoss(boss: object): Drainable {
  if (!isPgBoss(boss)) {
    throw new DrainError(
      'DRAIN_INVALID_ARGUMENT',
      'Expected drainablePgBoss() to be given a PgBoss of pg-boss (work, offWork, stop, send), got something else. ' +
        'Consumers of other queues are a Drainable of their own: register().',
    );
  }
  const drainable = drainables.get(boss) ?? new PgBossDrainable(boss);
  drainables.set(boss, drainable);
  return drainable;
}
