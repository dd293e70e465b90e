import { spawn, type ChildProcess } from 'node:child_process';
import type { Backend } from './balancer.js';
import { endWithThisProcess } from './children.js';
import { freePort } from './free-port.js';
import { isReady } from './probe.js';
import { checkDurationMs, sleep, within } from './timing.js';

export interface ReplicaOptions {
  readonly name: string;
  /** What Node runs: the script and its arguments, preceded by Node's own options if any. */
  readonly args: readonly string[];
  /** The path that answers 200 once the replica may be sent traffic. */
  readonly readinessPath: string;
  readonly cwd?: string;
  /** Set on top of this process's own environment, and of `PORT`. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take to become ready. @default 30_000 */
  readonly startTimeoutMs?: number;
  /** The Node binary. @default the one that runs this process */
  readonly node?: string;
}

/** How a replica ended. */
export interface ReplicaExit {
  /** As Node reports them: one of the two is null. */
  readonly exitCode: number | null;
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
  private tail = '';
  private stopped?: Promise<ReplicaExit>;

  private constructor(
    readonly name: string,
    readonly port: number,
    private readonly child: ChildProcess,
  ) {
    this.exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      // There was nothing to start: 'exit' never comes.
      child.once('error', (error) => {
        this.keep(String(error));
        resolve();
      });
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.keep(text));
    endWithThisProcess(child);
  }

  /**
   * Starts a replica; resolves when its readiness path answers 200. Rejects, with the end of its output, when it exits
   * before that or takes longer than `startTimeoutMs`; it is not left running then.
   */
  static async start(options: ReplicaOptions): Promise<Replica> {
    const startTimeoutMs = checkDurationMs('startTimeoutMs', options.startTimeoutMs ?? 30_000, 1);
    for (let attempt = 1; ; attempt++) {
      const replica = Replica.spawn(options, await freePort());
      try {
        await within(startTimeoutMs, `Readiness of ${options.name}`, replica.whenReady(options.readinessPath));
        return replica;
      } catch (error) {
        await replica.stop('SIGKILL');
        // A port is free only until somebody takes it: an outgoing connection may have been given this one.
        if (replica.output.includes('EADDRINUSE') && attempt < startAttempts) continue;
        throw new Error(`${options.name} did not start. The end of its output:\n${replica.output}`, { cause: error });
      }
    }
  }

  private static spawn({ name, args, cwd, env, node = process.execPath }: ReplicaOptions, port: number): Replica {
    const child = spawn(node, args, {
      cwd,
      env: { ...process.env, PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Replica(name, port, child);
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

  private async end(signal: NodeJS.Signals, graceMs: number): Promise<ReplicaExit> {
    const sentAt = performance.now();
    const alive = !this.hasExited;
    let killed = false;
    if (alive) this.child.kill(signal);
    const outlived = setTimeout(() => (killed = this.child.kill('SIGKILL')), graceMs);
    await this.exited;
    clearTimeout(outlived);
    return {
      exitCode: this.child.exitCode,
      signal: this.child.signalCode,
      ms: alive ? performance.now() - sentAt : 0,
      killed,
    };
  }

  private async whenReady(path: string): Promise<void> {
    while (!this.hasExited) {
      if (await isReady(this, path, probeTimeoutMs)) return;
      await sleep(readinessPollMs);
    }
    throw new Error(`${this.name} exited before it was ready.`);
  }

  private keep(text: string): void {
    this.tail = (this.tail + text).slice(-keptOutput);
  }
}
