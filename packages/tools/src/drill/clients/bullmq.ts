import { type ApplicationPackages } from './application-packages.js';
import { type Client, type ClientEars, type ClientOf, type Connection, type Fault, type Sending } from './client.js';
import { type Ledger } from './ledger.js';
import { jsonOf, type MessageSpec, executionFaults } from './messages.js';
import { UniqueIds } from './unique.js';

export interface JobClientOptions {
  /** The name of each request is that of its jobs. */
  readonly requests: readonly MessageSpec[];
  readonly queue: string;
  /** `redis://127.0.0.1:6379` */
  readonly redis: string;
  readonly ledger: Ledger;
  /** A job that is not done this long after it was added has failed. */
  readonly timeoutMs: number;
  readonly onExecuted?: (number: number, replica: string) => void;
}

/** What is used of `bullmq`. */
interface BullMq {
  readonly Queue: new (name: string, options: object) => JobQueue;
  readonly QueueEvents: new (name: string, options: object) => JobEvents;
}

interface JobQueue {
  add(name: string, data: unknown, options: object): Promise<unknown>;
  getJob(id: string): Promise<Job | undefined>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'error', listener: () => void): void;
}

interface Job {
  readonly attemptsStarted?: number;
  getState(): Promise<string>;
  remove(): Promise<void>;
}

interface JobEvents {
  on(event: 'completed', listener: (job: { jobId: string }) => void): void;
  on(event: 'failed', listener: (job: { jobId: string; failedReason: string }) => void): void;
  on(event: 'error', listener: () => void): void;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

/** Jobs of BullMQ: each that is added has to be done once, and not to fail. */
export async function jobClient(packages: ApplicationPackages, options: JobClientOptions): Promise<ClientOf> {
  const bullmq = await packages.load<BullMq>('bullmq', '--transport bullmq');
  return (ears) => new JobClient(bullmq, options, ears);
}

class JobClient implements Client {
  readonly requests: readonly MessageSpec[];
  readonly isShared = true;
  private readonly ids = new UniqueIds();
  private readonly queue: JobQueue;
  private readonly events: JobEvents;
  /** Those that are not done yet, by id. */
  private readonly waiting = new Map<string, (fault?: Fault) => void>();
  private readonly done = new Map<number, MessageSpec>();
  private readonly added = new Set<string>();

  constructor(
    { Queue, QueueEvents }: BullMq,
    private readonly options: JobClientOptions,
    private readonly ears: ClientEars,
  ) {
    this.requests = options.requests;
    const { hostname, port, username, password } = new URL(options.redis);
    const connection = {
      host: hostname,
      port: Number(port || 6379),
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
    };
    this.queue = new Queue(options.queue, { connection });
    this.events = new QueueEvents(options.queue, { connection });
    // What cannot be added is a failure of its job.
    for (const each of [this.queue, this.events]) each.on('error', () => undefined);
    this.events.on('completed', ({ jobId }) => this.ended(jobId));
    this.events.on('failed', ({ jobId, failedReason }) =>
      this.ended(jobId, { kind: 'error', detail: failedReason.slice(0, 200) }),
    );
  }

  connect(): Connection {
    return {
      send: async (sending) => {
        const spec = this.requests[sending.request]!;
        const fault = await this.addAndWait(spec, sending);
        if (!fault && sending.number >= 0) this.done.set(sending.number, spec);
        return { fault, reusedConnection: true };
      },
      close: () => undefined,
    };
  }

  /** A job whose worker has died is begun again by another: it was executed twice, whatever came of it. */
  async settle(signal: AbortSignal): Promise<void> {
    const { ledger, onExecuted } = this.options;
    const executions = await ledger.read();
    for (const { number, fault, replica } of executionFaults(executions, this.ids, this.done)) {
      if (replica !== undefined) onExecuted?.(number, replica);
      if (fault) this.ears.late(number, fault);
    }
    for (const number of this.done.keys()) {
      if (signal.aborted) return;
      const { attemptsStarted = 1 } = (await this.queue.getJob(this.ids.of(number))) ?? {};
      if (attemptsStarted > 1) this.ears.late(number, { kind: 'twice', detail: `begun ${attemptsStarted} times` });
    }
  }

  /** Takes its jobs out of the queue. */
  async close(): Promise<void> {
    for (const id of this.added)
      await this.queue
        .getJob(id)
        .then((job) => job?.remove())
        .catch(() => undefined);
    await Promise.all([this.queue.close(), this.events.close()]);
  }

  private async addAndWait({ name, data }: MessageSpec, { number, signal }: Sending): Promise<Fault | undefined> {
    const id = this.ids.of(number);
    await this.events.waitUntilReady();
    const ended = new Promise<Fault | undefined>((resolve) => this.waiting.set(id, resolve));
    const abort = (): void => this.ended(id, { kind: 'other', detail: 'aborted' });
    signal.addEventListener('abort', abort);
    const overdue = setTimeout(() => void this.tellOverdue(id), this.options.timeoutMs);
    try {
      this.added.add(id);
      await this.queue.add(name, jsonOf(data, id), { jobId: id, removeOnComplete: false, removeOnFail: false });
      return await ended;
    } catch (error) {
      return { kind: 'refused', detail: String((error as Error).message) };
    } finally {
      clearTimeout(overdue);
      signal.removeEventListener('abort', abort);
      this.waiting.delete(id);
    }
  }

  private async tellOverdue(id: string): Promise<void> {
    const job = await this.queue.getJob(id).catch(() => undefined);
    const state = await job?.getState().catch(() => undefined);
    this.ended(
      id,
      state === undefined ? { kind: 'lost', detail: 'not in the queue' } : { kind: 'timed-out', detail: state },
    );
  }

  private ended(id: string, fault?: Fault): void {
    const settle = this.waiting.get(id);
    if (settle) {
      this.waiting.delete(id);
      return settle(fault);
    }
    const number = this.ids.numberOf(id);
    // A job of somebody else's, or one that is done again.
    if (number !== undefined && this.done.has(number)) this.ears.late(number, { kind: 'twice', detail: 'done twice' });
  }
}
