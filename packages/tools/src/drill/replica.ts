import { spawn, type ChildProcess } from 'node:child_process';
import type { Backend } from './balancer.js';
import { endWithThisProcess, killGroup } from './children.js';
import { freePort } from './free-port.js';
import { probe } from './probe.js';
import { checkDurationMs, sleep, within } from './timing.js';

export interface ReplicaOptions {
  readonly name: string;
  /** What Node runs: the script and its arguments, preceded by Node's own options if any. */
  readonly args?: readonly string[];
  /**
   * Any command, instead of `args`: it leads a process group of its own, as in a container. It alone is sent the
   * signal, and what it leaves behind is ended when it has exited.
   */
  readonly command?: readonly string[];
  /** The path that is asked whether the replica may be sent traffic. */
  readonly readinessPath: string;
  /** Reports whether an answer of that path says so. @default 200 does */
  readonly isReady?: (status: number | undefined) => boolean;
  readonly cwd?: string;
  /** Set on top of this process's own environment, and of `PORT`. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take to become ready. @default 30_000 */
  readonly startTimeoutMs?: number;
  /** The Node binary. @default the one that runs this process */
  readonly node?: string;
  /** The environment variable that has its port. @default 'PORT' */
  readonly portEnv?: string;
  /** Ends it while it starts; `start` rejects then. One that has started is the caller's to end. */
  readonly signal?: AbortSignal;
}

/** Why a replica did not start. The message has the end of its output. */
export class ReplicaStartError extends Error {
  override readonly name = 'ReplicaStartError';

  constructor(
    readonly replica: string,
    /** It could not be run at all; it exited by itself; or it was not ready in time. */
    readonly reason: 'not-run' | 'exited' | 'not-ready',
    readonly port: number,
    readonly output: string,
    readonly exitCode: number | null,
    /** What its readiness path answered last, if it did. */
    readonly lastStatus: number | undefined,
    options: ErrorOptions,
  ) {
    super(`${replica} did not start. The end of its output:\n${output}`, options);
  }
}

/**
 * How a replica ended.
 *
 * @publicApi
 */
export interface ReplicaExit {
  /** As Node reports it; null when it died of a signal. */
  readonly exitCode: number | null;
  /** The signal it died of, as Node reports it; null when it exited. */
  readonly signal: NodeJS.Signals | null;
  /** From the signal to the exit; 0 when it had ended before. */
  readonly ms: number;
  /** Whether it had to be killed because it outlived its grace. */
  readonly killed: boolean;
}

/** How much of a replica's output is kept, in characters. */
const keptOutput = 16_384;
const startAttempts = 3;
const probeTimeoutMs = 1_000;
const readinessPollMs = 25;

/** One child process that serves HTTP on a loopback port of its own. It never outlives this process. */
export class Replica implements Backend {
  readonly host = '127.0.0.1';
  /** Resolves when the process has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** When it was started, was ready, and had ended: `performance.now()`. */
  readonly startedAt = performance.now();
  readyAt?: number;
  exitedAt?: number;
  private lastStatus?: number;
  private tail = '';
  private stopped?: Promise<ReplicaExit>;

  private constructor(
    readonly name: string,
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly isGroup: boolean,
  ) {
    this.exited = new Promise((resolve) => {
      child.once('exit', () => {
        this.exitedAt = performance.now();
        // As the end of its first process ends a container.
        if (isGroup) this.kill();
        resolve();
      });
      // There was nothing to start: 'exit' never comes.
      child.once('error', (error) => {
        this.keep(String(error));
        resolve();
      });
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.keep(text));
    endWithThisProcess(child, 'SIGKILL', isGroup);
  }

  /**
   * Starts a replica; resolves when its readiness path answers 200. Rejects, with the end of its output, when it exits
   * before that or takes longer than `startTimeoutMs`; it is not left running then.
   */
  static async start(options: ReplicaOptions): Promise<Replica> {
    const startTimeoutMs = checkDurationMs('startTimeoutMs', options.startTimeoutMs ?? 30_000, 1);
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      options.signal?.throwIfAborted();
      const replica = Replica.spawn(options, port);
      const abort = (): void => void replica.stop('SIGKILL');
      options.signal?.addEventListener('abort', abort);
      try {
        await within(startTimeoutMs, `Readiness of ${options.name}`, replica.whenReady(options));
        replica.readyAt = performance.now();
        return replica;
      } catch (error) {
        const hadExited = replica.hasExited;
        await replica.stop('SIGKILL');
        // A port is free only until somebody takes it: an outgoing connection may have been given this one.
        if (replica.output.includes('EADDRINUSE') && attempt < startAttempts && !options.signal?.aborted) continue;
        const reason = replica.pid === undefined ? 'not-run' : hadExited ? 'exited' : 'not-ready';
        const { exitCode } = replica.child;
        throw new ReplicaStartError(options.name, reason, port, replica.output, exitCode, replica.lastStatus, {
          cause: error,
        });
      } finally {
        options.signal?.removeEventListener('abort', abort);
      }
    }
  }

  private static spawn(options: ReplicaOptions, port: number): Replica {
    const { name, args = [], command, cwd, env, portEnv = 'PORT', node = process.execPath } = options;
    const [file = node, ...rest] = command ?? [node, ...args];
    const child = spawn(file, rest, {
      cwd,
      env: { ...process.env, [portEnv]: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: command !== undefined,
    });
    return new Replica(name, port, child, command !== undefined);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** The end of what it wrote to stdout and stderr. */
  get output(): string {
    return this.tail;
  }

  get hasExited(): boolean {
    return this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /**
   * Sends the signal, SIGKILL when it is still there after `graceMs`, and resolves when the process has ended.
   * Never rejects. A second call sends nothing and gets the same promise.
   */
  stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 30_000): Promise<ReplicaExit> {
    return (this.stopped ??= this.end(signal, checkDurationMs('graceMs', graceMs)));
  }

  /** Kills it, whatever it was sent before, and resolves when the process has ended. */
  async destroy(): Promise<void> {
    if (!this.hasExited) this.kill();
    await this.exited;
  }

  private async end(signal: NodeJS.Signals, graceMs: number): Promise<ReplicaExit> {
    const sentAt = performance.now();
    const alive = !this.hasExited;
    let killed = false;
    if (alive) this.child.kill(signal);
    const outlived = setTimeout(() => (killed = this.kill()), graceMs);
    await this.exited;
    clearTimeout(outlived);
    return {
      exitCode: this.child.exitCode,
      signal: this.child.signalCode,
      ms: alive ? performance.now() - sentAt : 0,
      killed,
    };
  }

  /** Reports whether there was anything to kill. */
  private kill(): boolean {
    return this.isGroup ? killGroup(this.child) : this.child.kill('SIGKILL');
  }

  private async whenReady({ readinessPath, isReady }: ReplicaOptions): Promise<void> {
    while (!this.hasExited) {
      const status = await probe(this, readinessPath, probeTimeoutMs);
      const hasSaid = !readinessPath.startsWith('output:') || this.output.includes(readinessPath.slice(7));
      if (hasSaid && (isReady?.(status) ?? status === 200)) return;
      this.lastStatus = status ?? this.lastStatus;
      await sleep(readinessPollMs);
    }
    throw new Error(`${this.name} exited before it was ready.`);
  }

  private keep(text: string): void {
    this.tail = (this.tail + text).slice(-keptOutput);
  }
}
