import { basename } from 'node:path';
import { type Backend } from '../balancer.js';
import { drillDefaults } from '../drill-options.js';
import { BadInputError } from '../errors.js';
import { nothingObserved, ObservationFiles } from '../observations.js';
import { isReadyStatus } from '../platform.js';
import { type ReplicaLife } from '../record.js';
import { Replica } from '../replica.js';
import { firstGeneration, putInRotation, type Rolled, rollGeneration } from '../roll.js';
import { ShellFolder } from '../shell.js';
import { inOneLine } from '../start-errors.js';
import { type PlannedRoll, type Target, type TargetContext } from '../target.js';
import { TcpBalancer, type MemberState } from '../tcp-balancer.js';
import { sleep, within } from '../timing.js';

const probePeriodMs = 100;
const probeTimeoutMs = 1_000;
const rotationTimeoutMs = 10_000;

/** Replicas of a command behind a balancer, which are replaced one by one, the successor first. */
export class ReplicasTarget implements Target {
  readonly lives: ReplicaLife[] = [];
  private readonly files = new ObservationFiles();
  private readonly byPort = new Map<number, ReplicaLife>();
  private readonly living = new Map<ReplicaLife, Replica>();
  private readonly outWaiters = new Map<ReplicaLife, () => void>();
  private shell?: ShellFolder;
  private balancer?: TcpBalancer;
  private generation: readonly ReplicaLife[] = [];
  private started = 0;

  constructor(private readonly context: TargetContext) {}

  get url(): string {
    return this.balancer!.url;
  }

  get rolls(): readonly PlannedRoll[] {
    const { lagsMs, rounds } = this.context.settings;
    return lagsMs.flatMap((lagMs) => Array.from({ length: rounds }, (_, index) => ({ lagMs, round: index + 1 })));
  }

  async start(): Promise<void> {
    const { port, platform, shell } = this.context.options;
    this.shell = new ShellFolder(this.files.folder, shell);
    const listening = TcpBalancer.listen({
      readinessPath: this.context.settings.readinessPath,
      isReady: (status) => isReadyStatus(platform, status),
      port,
      probePeriodMs,
      probeTimeoutMs,
      onChange: (member) => this.rotated(member),
      onProbe: (backend, status) => this.probed(backend, status),
    });
    this.balancer = await listening.catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      throw new BadInputError(`Port ${port} is taken: choose another with --port.`, { cause: error });
    });
    this.context.tell({ kind: 'balancer', url: this.url });
    this.generation = await firstGeneration(this.context.settings.replicas, this.rolled(0));
  }

  async roll({ lagMs = 0 }: PlannedRoll, lives: Set<ReplicaLife>): Promise<void> {
    for (const life of this.generation) lives.add(life);
    this.balancer!.setLag(lagMs);
    this.generation = await rollGeneration(this.generation, this.rolled(lagMs, lives));
  }

  servedBy(localPort: number): ReplicaLife | undefined {
    const backend = this.balancer?.backendOf(localPort);
    return backend && this.byPort.get(backend.port);
  }

  wasRefused(localPort: number): boolean {
    return this.balancer!.wasRefused(localPort);
  }

  async close(): Promise<void> {
    await Promise.all([...this.living.values()].map((replica) => replica.destroy()));
    await this.balancer?.close();
    await this.files.endMarked();
    this.files.remove();
  }

  private rolled(lagMs: number, lives?: Set<ReplicaLife>): Rolled<ReplicaLife> {
    return { takeIn: () => this.takeIn(lives), takeOut: (life) => this.takeOut(life, lagMs) };
  }

  private async takeIn(lives?: Set<ReplicaLife>): Promise<ReplicaLife> {
    const { settings, signal, tell } = this.context;
    const name = `replica-${++this.started}`;
    const replica = await this.startReplica(name);
    if (signal.aborted) {
      await replica.destroy();
      signal.throwIfAborted();
    }
    const life: ReplicaLife = {
      name,
      pid: replica.pid,
      startedAt: replica.startedAt,
      readyAt: replica.readyAt,
      observations: nothingObserved,
    };
    this.living.set(life, replica);
    this.lives.push(life);
    lives?.add(life);
    this.byPort.set(replica.port, life);
    void replica.exited.then(() => this.ended(life, replica));
    const inRotation = putInRotation(this.balancer!, replica, rotationTimeoutMs);
    await inRotation.catch((error: unknown) => {
      signal.throwIfAborted();
      if (!life.diedAlone) throw error;
      throw new BadInputError(`${name} was ready, and ended by itself before ${settings.readinessPath} said so again.`);
    });
    signal.throwIfAborted();
    tell({ kind: 'serving', replica: name });
    return life;
  }

  private async startReplica(name: string): Promise<Replica> {
    const { signal, settings, options } = this.context;
    const { readinessPath, command } = settings;
    const { cwd, env, platform, portEnv = drillDefaults.portEnv } = options;
    const { startTimeoutMs = drillDefaults.startTimeoutMs } = options;
    try {
      return await Replica.start({
        name,
        command: this.shell!.commandOf(command),
        readinessPath,
        isReady: (status) => isReadyStatus(platform, status),
        cwd,
        env: {
          ...platform.env,
          ...this.shell!.environment,
          ...env,
          ...this.context.environmentOf?.(name),
          ...this.files.environmentOf(name),
        },
        portEnv,
        startTimeoutMs,
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      const otherPorts = this.files.read(name, 0).otherPorts;
      throw inOneLine(error, { command, readinessPath, portEnv, startTimeoutMs, otherPorts });
    }
  }

  /**
   * As the platform does it. Its connections stay; it is forgotten when it has ended and the balancer has it out of
   * rotation.
   */
  private async takeOut(life: ReplicaLife, lagMs: number): Promise<void> {
    const { signal, options, tell } = this.context;
    const { preStopMs, graceMs, deregisters } = options.platform;
    const replica = this.living.get(life)!;
    const out = new Promise<void>((resolve) => {
      if (this.balancer!.isInRotation(replica)) this.outWaiters.set(life, resolve);
      else resolve();
    });
    life.lagMs = lagMs;
    if (!life.diedAlone) {
      life.stoppingAt = performance.now();
      if (preStopMs > 0) tell({ kind: 'stopping', replica: life.name });
      if (deregisters) this.balancer!.deregister(replica);
      if (preStopMs > 0) await this.pause(preStopMs);
    }
    // It may have died while it waited.
    if (!life.diedAlone) {
      life.signalledAt = performance.now();
      tell({ kind: 'signalled', replica: life.name });
      life.exit = await replica.stop(options.platform.signal, graceMs - preStopMs);
      await this.settle(life, replica);
      tell({ kind: 'exited', replica: life.name, exit: life.exit });
    }
    this.living.delete(life);
    await within(lagMs + rotationTimeoutMs, `Taking ${life.name} out of rotation`, out);
    await this.balancer!.remove(replica);
    signal.throwIfAborted();
  }

  /** Its process has ended: by itself when nobody has sent it a signal. */
  private async ended(life: ReplicaLife, replica: Replica): Promise<void> {
    if (life.signalledAt !== undefined || this.context.signal.aborted) return;
    life.diedAlone = true;
    life.exit = await replica.stop();
    this.context.tell({ kind: 'died', replica: life.name, exit: life.exit });
    await this.settle(life, replica);
  }

  /** What is known of a replica once it has ended. */
  private async settle(life: ReplicaLife, replica: Replica): Promise<void> {
    life.exitedAt = replica.exitedAt ?? performance.now();
    life.output = replica.output;
    life.observations = this.files.read(life.name, replica.port);
    const left = await this.files.endMarked(life.name);
    // Those of its own group have been ended with it, and may take a moment to be gone.
    const stragglers = left.filter(({ group }) => group !== replica.pid);
    life.stragglers = stragglers.map(({ pid, command }) => `${basename(command.split(' ')[0] ?? '')} (${pid})`);
  }

  private rotated({ backend, rotation }: MemberState): void {
    const life = this.byPort.get(backend.port);
    if (!life) return;
    if (rotation === 'in-rotation') life.inRotationAt ??= performance.now();
    if (rotation !== 'out') return;
    if (life.stoppingAt !== undefined || life.diedAlone) {
      life.outOfRotationAt ??= performance.now();
      this.context.tell({ kind: 'out', replica: life.name });
    }
    this.outWaiters.get(life)?.();
  }

  private probed({ port }: Backend, status: number | undefined): void {
    const life = this.byPort.get(port);
    if (!life) return;
    const isReady = isReadyStatus(this.context.options.platform, status);
    if (life.stoppingAt === undefined) return noteFlap(life, isReady, status);
    if (isReady) life.lastReadyAt = performance.now();
    if (isReady || life.unreadyAt !== undefined) return;
    life.unreadyAt = performance.now();
    life.unreadyStatus = status;
    if (status !== undefined) this.context.tell({ kind: 'unready', replica: life.name });
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, this.context.signal);
    this.context.signal.throwIfAborted();
  }
}

/**
 * Readiness that fails while nobody stops the replica, and comes back: an even number of instants. A probe without an
 * answer says more of the machine than of readiness.
 */
function noteFlap(life: ReplicaLife, isReady: boolean, status: number | undefined): void {
  if (isReady) life.lastReadyAt = performance.now();
  const isDown = (life.flapped?.length ?? 0) % 2 === 1;
  if (life.inRotationAt === undefined || isReady !== isDown || status === undefined) return;
  (life.flapped ??= []).push(performance.now());
}
