import { adviceOf } from './advice/index.js';
import { type Backend } from './balancer.js';
import { BadInputError } from './errors.js';
import { drillDefaults, type DrillOptions, type DrillStep, settingsOf } from './drill-options.js';
import { type Fault } from './clients/client.js';
import { Http1Client } from './clients/http1.js';
import { nothingObserved, ObservationFiles, type Observations } from './observations.js';
import { OpenLoopClients, type RequestOutcome } from './open-loop-clients.js';
import { Replica } from './replica.js';
import { type DrillResult, type DrillSettings } from './result.js';
import { resultOf, type RecordedRequest, type RecordedRoll, type ReplicaLife } from './result-builder.js';
import { firstGeneration, putInRotation, type Rolled, rollGeneration } from './roll.js';
import { inOneLine } from './start-errors.js';
import { TcpBalancer, type MemberState } from './tcp-balancer.js';
import { sleep, within } from './timing.js';

type Happening = DrillStep extends infer Step ? (Step extends unknown ? Omit<Step, 'atMs' | 'counts'> : never) : never;

const tickMs = 200;
const probePeriodMs = 100;
const probeTimeoutMs = 1_000;
const rotationTimeoutMs = 10_000;

/**
 * Starts replicas of a command behind a balancer, asks them at a fixed rate, and rolls them: with each lag, so many
 * rounds, one replica at a time and its successor first. Resolves when the last request has its outcome; what was lost
 * is a result.
 *
 * Rejects with a `BadInputError` when there is nothing to measure, and with the signal's reason when it was aborted.
 * Either way, nothing it has started is left running.
 *
 * @publicApi
 */
export async function drill(options: DrillOptions): Promise<DrillResult> {
  const listening = TcpBalancer.listen({
    readinessPath: options.readinessPath,
    port: options.port,
    probePeriodMs,
    probeTimeoutMs,
    onChange: (member) => run.rotated(member),
    onProbe: (backend, status) => run.probed(backend, status),
  });
  const balancer = await listening.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new BadInputError(`Port ${options.port} is taken: choose another with --port.`, { cause: error });
  });
  const run = new Drill(options, balancer);
  return run.run();
}

class Drill {
  private readonly settings: DrillSettings;
  private readonly clients: OpenLoopClients;
  private readonly files = new ObservationFiles();
  private readonly lives: ReplicaLife[] = [];
  private readonly byPort = new Map<number, ReplicaLife>();
  private readonly living = new Map<ReplicaLife, Replica>();
  private readonly requests = new Map<number, RecordedRequest>();
  private readonly rolls: RecordedRoll[] = [];
  private readonly outWaiters = new Map<ReplicaLife, () => void>();
  private readonly aborting = new AbortController();
  private started = 0;

  constructor(
    private readonly options: DrillOptions,
    private readonly balancer: TcpBalancer,
  ) {
    this.settings = settingsOf(options);
    this.clients = new OpenLoopClients({
      client: () =>
        new Http1Client({ url: balancer.url, requests: options.requests, timeoutMs: this.settings.timeoutMs }),
      ratePerSecond: this.settings.ratePerSecond,
      connections: options.connections,
      onOutcome: (outcome) => this.record(outcome),
      onLateFault: (number, fault) => this.correct(number, fault),
    });
  }

  async run(): Promise<DrillResult> {
    const { signal } = this.options;
    const abort = (): void => this.aborting.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    const aborted = new Promise<never>((_, reject) => {
      this.aborting.signal.addEventListener('abort', () => reject(this.aborting.signal.reason as Error), {
        once: true,
      });
    });
    aborted.catch(() => undefined);
    const work = this.work();
    const ticking = setInterval(() => this.tick(), tickMs);
    try {
      return await Promise.race([work, aborted]);
    } finally {
      clearInterval(ticking);
      signal?.removeEventListener('abort', abort);
      // What is still under way starts nothing any more.
      this.aborting.abort(new Error('The drill is over.'));
      await Promise.all([this.clients.cancel(), ...[...this.living.values()].map((replica) => replica.destroy())]);
      await this.balancer.close();
      await work.catch(() => undefined);
      this.files.remove();
    }
  }

  private async work(): Promise<DrillResult> {
    this.tell({ kind: 'balancer', url: this.balancer.url });
    let generation = await firstGeneration(this.settings.replicas, this.rolled(0));
    await this.checkRequests();
    // Never rejects, and is awaited by its other name, `stop()`.
    void this.clients.run();
    const startedAt = new Date(performance.timeOrigin + this.origin).toISOString();
    this.tell({ kind: 'traffic-started' });
    await this.pause(this.options.warmUpMs ?? drillDefaults.warmUpMs);
    for (const lagMs of this.settings.lagsMs) {
      for (let round = 1; round <= this.settings.rounds; round++)
        generation = await this.roll(generation, lagMs, round);
    }
    await this.clients.stop();
    this.tell({ kind: 'traffic-stopped' });
    this.rolls.at(-1)!.endedAt = performance.now();
    this.aborting.signal.throwIfAborted();
    return resultOf({
      settings: this.settings,
      deregisters: this.options.platform.deregisters,
      startedAt,
      origin: this.origin,
      lives: this.lives,
      rolls: this.rolls,
      requests: [...this.requests.values()],
      advise: adviceOf,
    });
  }

  /** Every roll begins where the one before has ended: each request belongs to one. */
  private async roll(generation: readonly ReplicaLife[], lagMs: number, round: number): Promise<ReplicaLife[]> {
    const startedAt = this.rolls.at(-1)?.endedAt ?? this.origin;
    this.balancer.setLag(lagMs);
    this.tell({ kind: 'roll', lagMs, round });
    const successors = await rollGeneration(generation, this.rolled(lagMs));
    await this.pause(this.options.coolDownMs ?? drillDefaults.coolDownMs);
    this.rolls.push({ lagMs, round, startedAt, endedAt: performance.now(), lives: [...generation, ...successors] });
    return successors;
  }

  private rolled(lagMs: number): Rolled<ReplicaLife> {
    return { takeIn: () => this.takeIn(), takeOut: (life) => this.takeOut(life, lagMs) };
  }

  private async takeIn(): Promise<ReplicaLife> {
    const name = `replica-${++this.started}`;
    const { readinessPath, command } = this.settings;
    const { cwd, env, portEnv = drillDefaults.portEnv } = this.options;
    const { startTimeoutMs = drillDefaults.startTimeoutMs } = this.options;
    let replica: Replica;
    try {
      replica = await Replica.start({
        name,
        command,
        readinessPath,
        cwd,
        env: { ...env, ...this.files.environmentOf(name) },
        portEnv,
        startTimeoutMs,
        signal: this.aborting.signal,
      });
    } catch (error) {
      this.aborting.signal.throwIfAborted();
      const otherPorts = this.files.read(name, 0).otherPorts;
      throw inOneLine(error, { command, readinessPath, portEnv, startTimeoutMs, otherPorts });
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
    this.byPort.set(replica.port, life);
    await putInRotation(this.balancer, replica, rotationTimeoutMs);
    this.aborting.signal.throwIfAborted();
    this.tell({ kind: 'serving', replica: name });
    return life;
  }

  /**
   * As the platform does it. Its connections stay; it is forgotten when it has ended and the balancer has it out of
   * rotation.
   */
  private async takeOut(life: ReplicaLife, lagMs: number): Promise<void> {
    const { signal, preStopMs, graceMs, deregisters } = this.options.platform;
    const replica = this.living.get(life)!;
    const out = new Promise<void>((resolve) => {
      if (this.balancer.isInRotation(replica)) this.outWaiters.set(life, resolve);
      else resolve();
    });
    life.lagMs = lagMs;
    life.stoppingAt = performance.now();
    if (preStopMs > 0) this.tell({ kind: 'stopping', replica: life.name });
    if (deregisters) this.balancer.deregister(replica);
    if (preStopMs > 0) await this.pause(preStopMs);
    life.signalledAt = performance.now();
    this.tell({ kind: 'signalled', replica: life.name });
    life.exit = await replica.stop(signal, graceMs - preStopMs);
    life.exitedAt = replica.exitedAt ?? performance.now();
    life.output = replica.output;
    life.observations = this.observationsOf(life, replica);
    this.living.delete(life);
    this.tell({ kind: 'exited', replica: life.name, exit: life.exit });
    await within(lagMs + rotationTimeoutMs, `Taking ${life.name} out of rotation`, out);
    await this.balancer.remove(replica);
    this.aborting.signal.throwIfAborted();
  }

  private observationsOf({ name }: ReplicaLife, { port }: Replica): Observations {
    return this.files.read(name, port);
  }

  /** A request that is not answered well before anything is stopped would only measure itself. */
  private async checkRequests(): Promise<void> {
    for (const [index, { name }] of this.settings.requests.entries()) {
      if (!(await this.clients.try(index))) continue;
      const again = await this.clients.try(index);
      this.aborting.signal.throwIfAborted();
      if (!again) continue;
      const what = again.kind.startsWith('status-') ? `is answered ${again.kind.slice(7)}` : `fails (${again.kind})`;
      const detail = again.detail ? `, ${again.detail}` : '';
      throw new BadInputError(`${name} ${what}${detail} before anything is stopped: nothing can be measured with it.`);
    }
  }

  /** The balancer has put a replica in or out of rotation. */
  rotated({ backend, rotation }: MemberState): void {
    const life = this.byPort.get(backend.port);
    if (!life) return;
    if (rotation === 'in-rotation') life.inRotationAt ??= performance.now();
    if (rotation !== 'out' || life.stoppingAt === undefined) return;
    life.outOfRotationAt ??= performance.now();
    this.tell({ kind: 'out', replica: life.name });
    this.outWaiters.get(life)?.();
  }

  /** The balancer has asked a replica whether it is ready. */
  probed({ port }: Backend, status: number | undefined): void {
    const life = this.byPort.get(port);
    if (!life) return;
    if (status === 200) life.lastReadyAt = performance.now();
    if (status === 200 || life.stoppingAt === undefined || life.unreadyAt !== undefined) return;
    life.unreadyAt = performance.now();
    life.unreadyStatus = status;
    if (status !== undefined) this.tell({ kind: 'unready', replica: life.name });
  }

  private record({ number, fault, localPort, ...outcome }: RequestOutcome): void {
    // The balancer knows better than its client whether it was the backend that refused. Ports are used again: this
    // must be asked now.
    const refused = fault?.kind === 'reset' && localPort !== undefined && this.balancer.wasRefused(localPort);
    const backend = localPort === undefined ? undefined : this.balancer.backendOf(localPort);
    this.requests.set(number, {
      ...outcome,
      outcome: refused ? 'refused' : (fault?.kind ?? 'ok'),
      detail: fault?.detail,
      life: backend && this.byPort.get(backend.port),
    });
  }

  private correct(number: number, { kind, detail }: Fault): void {
    this.requests.set(number, { ...this.requests.get(number)!, outcome: kind, detail });
  }

  private get origin(): number {
    return this.clients.begunAt ?? performance.now();
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, this.aborting.signal);
    this.aborting.signal.throwIfAborted();
  }

  private tick(): void {
    if (this.clients.begunAt !== undefined)
      this.options.onTick?.(performance.now() - this.origin, this.clients.counts());
  }

  private tell(step: Happening): void {
    this.options.onStep?.({
      ...step,
      atMs: performance.now() - this.origin,
      counts: this.clients.counts(),
    });
  }
}
