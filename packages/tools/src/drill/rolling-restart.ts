import { type Balancer } from './balancer.js';
import { type Replica, type ReplicaExit } from './replica.js';
import { type Failure, type StrictClients, type TrafficReport } from './strict-client.js';
import { firstGeneration, putInRotation, rollGeneration } from './roll.js';
import { checkDurationMs, sleep } from './timing.js';

export interface RollingRestartOptions {
  /** How many replicas serve at a time; every one of them is replaced once. */
  readonly replicas: number;
  /** Starts a replica that is ready when this resolves. Called `2 × replicas` times, numbered from 1. */
  readonly startReplica: (number: number) => Promise<Replica>;
  /** Belongs to the caller, who closes it. It has no backends yet. */
  readonly balancer: Balancer;
  /** Not started yet; they ask `balancer.url`. */
  readonly clients: StrictClients;
  /** How long a replica may take to stop before it is killed, like `terminationGracePeriodSeconds`. @default 30_000 */
  readonly graceMs?: number;
  /** Traffic before the first replica is replaced. @default 1_000 */
  readonly warmUpMs?: number;
  /** Traffic after the last replica has exited. @default 1_000 */
  readonly coolDownMs?: number;
  /** How long the balancer may take to send traffic to a replica that is ready. @default 10_000 */
  readonly rotationTimeoutMs?: number;
  /** Called at every step; for counts in between, ask `clients.counts()`. */
  readonly onStep?: (step: RollingStep) => void;
}

/** What just happened, with `atMs` on the clock of the clients (0 before they began). */
export type RollingStep = { readonly atMs: number } & (
  | { readonly kind: 'serving' | 'signalled'; readonly replica: Replica }
  | { readonly kind: 'exited'; readonly replica: Replica; readonly exit: ReplicaExit }
  | { readonly kind: 'traffic-started' | 'traffic-stopped' }
);

export interface ReplicaShutdown extends ReplicaExit {
  readonly replica: string;
  /** On the clock of the failures' `atMs`. */
  readonly signalledAtMs: number;
}

export interface RollingFailure extends Failure {
  /** The replica the connection led to, when the balancer knows. */
  readonly replica?: string;
}

export interface RollingRestartReport {
  readonly requests: number;
  readonly failed: number;
  readonly failuresByKind: TrafficReport['failuresByKind'];
  readonly failures: readonly RollingFailure[];
  /** The slowest request that was answered. */
  readonly slowestMs: number;
  readonly traffic: TrafficReport;
  /** One for each replica that was replaced, in that order. */
  readonly shutdowns: readonly ReplicaShutdown[];
  /** How many of them had to be killed. */
  readonly killed: number;
}

/**
 * Replaces every replica under load, one at a time (see `rollGeneration`): the old one gets its SIGTERM when its
 * successor is in rotation, and the next follows when it has exited.
 *
 * Resolves when the last client has its last answer; failed requests and killed replicas are results. Rejects when the
 * roll itself cannot go on: a replica that does not start, a balancer that does not take it in. Either way the clients
 * have stopped and no replica is left running; those of the second generation are killed, since nobody asks them any
 * more.
 */
export async function rollingRestart(options: RollingRestartOptions): Promise<RollingRestartReport> {
  return new RollingRestart(options).run();
}

class RollingRestart {
  private readonly running = new Set<Replica>();
  private readonly shutdowns: ReplicaShutdown[] = [];
  private readonly graceMs: number;
  private readonly warmUpMs: number;
  private readonly coolDownMs: number;
  private readonly rotationTimeoutMs: number;
  private started = 0;

  constructor(private readonly options: RollingRestartOptions) {
    this.graceMs = checkDurationMs('graceMs', options.graceMs ?? 30_000);
    this.warmUpMs = checkDurationMs('warmUpMs', options.warmUpMs ?? 1_000);
    this.coolDownMs = checkDurationMs('coolDownMs', options.coolDownMs ?? 1_000);
    this.rotationTimeoutMs = checkDurationMs('rotationTimeoutMs', options.rotationTimeoutMs ?? 10_000, 1);
  }

  async run(): Promise<RollingRestartReport> {
    try {
      const rolled = { takeIn: () => this.takeIn(), takeOut: (replica: Replica) => this.takeOut(replica) };
      const generation = await firstGeneration(this.options.replicas, rolled);
      this.startTraffic();
      await sleep(this.warmUpMs);
      await rollGeneration(generation, rolled);
      await sleep(this.coolDownMs);
      return this.report(await this.stopTraffic());
    } finally {
      await this.options.clients.stop();
      await Promise.all([...this.running].map((replica) => replica.stop('SIGKILL')));
    }
  }

  private async takeIn(): Promise<Replica> {
    const { balancer, startReplica } = this.options;
    const replica = await startReplica(++this.started);
    this.running.add(replica);
    await putInRotation(balancer, replica, this.rotationTimeoutMs);
    this.tell({ kind: 'serving', replica, atMs: this.nowMs() });
    return replica;
  }

  private async takeOut(replica: Replica): Promise<void> {
    const { balancer } = this.options;
    const signalledAtMs = this.nowMs();
    const exiting = replica.stop('SIGTERM', this.graceMs);
    this.tell({ kind: 'signalled', replica, atMs: signalledAtMs });
    const [exit] = await Promise.all([exiting, balancer.terminating?.(replica)]);
    this.running.delete(replica);
    this.shutdowns.push({ replica: replica.name, signalledAtMs, ...exit });
    await balancer.remove(replica);
    this.tell({ kind: 'exited', replica, exit, atMs: this.nowMs() });
  }

  private startTraffic(): void {
    // Never rejects, and is awaited by its other name, `stop()`.
    void this.options.clients.run();
    this.tell({ kind: 'traffic-started', atMs: this.nowMs() });
  }

  private async stopTraffic(): Promise<TrafficReport> {
    const traffic = await this.options.clients.stop();
    this.tell({ kind: 'traffic-stopped', atMs: this.nowMs() });
    return traffic;
  }

  private report(traffic: TrafficReport): RollingRestartReport {
    return {
      requests: traffic.requests,
      failed: traffic.failed,
      failuresByKind: traffic.failuresByKind,
      failures: traffic.failures.map((failure) => ({ ...failure, replica: this.replicaOf(failure) })),
      slowestMs: traffic.latency.maxMs,
      traffic,
      shutdowns: this.shutdowns,
      killed: this.shutdowns.filter(({ killed }) => killed).length,
    };
  }

  private replicaOf({ localPort }: Failure): string | undefined {
    return localPort === undefined ? undefined : this.options.balancer.backendOf?.(localPort)?.name;
  }

  private nowMs(): number {
    return this.options.clients.elapsedMs();
  }

  private tell(step: RollingStep): void {
    this.options.onStep?.(step);
  }
}
