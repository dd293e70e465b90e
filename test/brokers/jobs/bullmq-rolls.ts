import { type JobsOptions, Queue } from 'bullmq';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, type ChildSetup } from '../../process/support/child.js';
import { type BrokerAddress } from '../../support/brokers.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** How jobs are processed; see test/brokers/apps/bullmq.mjs. */
export type Mode = 'processor' | 'processors' | 'callbacks' | 'own';

interface Entry {
  readonly what: 'begun' | 'ended';
  readonly n: number;
  readonly at: number;
  readonly pid: number;
}

let queues = 0;

/** A queue of its own, the applications that take jobs from it, and what its jobs have written down. */
export class Roll {
  readonly queue: Queue;
  readonly mails: Queue;
  private readonly name = `orders-${process.pid}-${++queues}`;
  private readonly ledger = join(temporaryFolder(), 'ledger');

  constructor(
    private readonly redis: BrokerAddress,
    private readonly mode: Mode,
  ) {
    const connection = { host: '127.0.0.1', port: redis.port };
    this.queue = new Queue(this.name, { connection });
    this.mails = new Queue(`${this.name}-mails`, { connection });
  }

  /** @param setup `together`: the time of a job begins when so many have begun, for each process of a sandbox takes a while */
  start(setup: ChildSetup & { readonly jobMs: number; readonly together?: number }): Promise<Child> {
    const { name: queue, mode, ledger, redis } = this;
    const env = {
      JOBS_LEDGER: ledger,
      JOB_MS: String(setup.jobMs),
      JOBS_TOGETHER: String(setup.together ?? 1),
      ...setup.env,
    };
    return Child.start('../../brokers/apps/bullmq', { queue, mode, ledger, port: redis.port, ...setup, env });
  }

  async add(count: number, options: JobsOptions = {}): Promise<void> {
    const jobs = Array.from({ length: count }, (_, n) => ({ name: 'order', data: { n }, opts: options }));
    await this.queue.addBulk(jobs);
  }

  entries(what?: Entry['what']): readonly Entry[] {
    if (!existsSync(this.ledger)) return [];
    const lines = readFileSync(this.ledger, 'utf8').trim().split('\n').filter(Boolean);
    const entries = lines.map((line) => {
      const [word, n, at, pid] = line.split(' ');
      return { what: word as Entry['what'], n: Number(n), at: Number(at), pid: Number(pid) };
    });
    return what ? entries.filter((each) => each.what === what) : entries;
  }

  /** Resolves when so many jobs have begun, or ended. */
  async until(what: Entry['what'], count: number): Promise<void> {
    while (this.entries(what).length < count) await sleep(10);
  }

  /** How many jobs are left to do: those that wait, and those that are active. */
  async left(): Promise<number> {
    const counts = await this.queue.getJobCounts('wait', 'active', 'delayed', 'prioritized');
    return Object.values(counts).reduce((sum, each) => sum + each, 0);
  }

  async untilDone(): Promise<void> {
    while ((await this.left()) > 0) await sleep(50);
  }

  /** The figures of the whole: jobs that failed, that began more than once, and that were not done. */
  async figures(): Promise<{ failed: number; twice: number; completed: number }> {
    const { failed, completed } = await this.queue.getJobCounts('failed', 'completed');
    const begun = this.entries('begun').map(({ n }) => n);
    return { failed: failed!, twice: begun.length - new Set(begun).size, completed: completed! };
  }

  /** Ends also the sandboxes of a worker that was cut: they outlive it. */
  async end(): Promise<void> {
    for (const pid of new Set(this.entries().map((entry) => entry.pid))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    await Promise.all([this.queue.obliterate({ force: true }), this.mails.obliterate({ force: true })]);
    await Promise.all([this.queue.close(), this.mails.close()]);
  }
}
