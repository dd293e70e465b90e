import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { endWithThisProcess, killGroup } from '../children.js';
import { runCommand } from '../command-run.js';
import { drillDefaults } from '../drill-options.js';
import { BadInputError } from '../errors.js';
import { freePort } from '../free-port.js';
import { ObservationFiles } from '../observations.js';
import { isReadyStatus } from '../platform.js';
import { probe } from '../probe.js';
import { type ReplicaLife } from '../record.js';
import { type ReloadProcedure } from '../reload-presets.js';
import { type PlannedRoll, type Target, type TargetContext } from '../target.js';
import { sleep } from '../timing.js';
import { GroupWorkers } from './group-workers.js';

const group = 'group';
const pollMs = 100;
const probeTimeoutMs = 1_000;
const keptOutput = 4_096;

/** A group of processes that share a port, and that a command reloads: PM2, `node:cluster`, a supervisor. */
export class ProcessGroupTarget implements Target {
  private readonly files = new ObservationFiles();
  private readonly workers: GroupWorkers;
  private port = 0;
  private child?: ChildProcess;
  private output = '';
  private watching?: NodeJS.Timeout;
  /** Takes back what `ReloadProcedure.give` has given. */
  private takeBack?: () => void;

  constructor(
    private readonly context: TargetContext,
    private readonly procedure: ReloadProcedure,
  ) {
    this.workers = new GroupWorkers(() => this.files.lines(group), context.options.platform.graceMs);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get lives(): readonly ReplicaLife[] {
    return this.workers.lives;
  }

  get rolls(): readonly PlannedRoll[] {
    return Array.from({ length: this.context.settings.rounds }, (_, index) => ({ round: index + 1 }));
  }

  async start(): Promise<void> {
    const { options, settings } = this.context;
    this.port = options.port ?? (await freePort());
    this.takeBack = this.procedure.give?.(settings.command, this.variables());
    const command = this.procedure.start?.(settings.command, settings.replicas) ?? settings.command;
    const [file = '', ...args] = command;
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...process.env, ...this.environment() },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.child = child;
    endWithThisProcess(child, 'SIGKILL', true);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output = (this.output + text).slice(-keptOutput)));
    await once(child, 'spawn').catch((error: Error) => {
      throw new BadInputError(`'${command.join(' ')}' cannot be run: ${error.message}.`, { cause: error });
    });
    await this.whenReady(command.join(' '));
    this.watching = setInterval(() => this.workers.look(), pollMs);
  }

  async roll(_plan: PlannedRoll, lives: Set<ReplicaLife>): Promise<void> {
    const { options, signal, tell } = this.context;
    const { reload } = this.procedure;
    // Whoever has died without a word by now is found out, and does not live in this roll.
    this.workers.look();
    const orderedAt = performance.now();
    // Asked anew each time: one that had started by then may tell of itself later.
    const lived = (): readonly ReplicaLife[] =>
      this.workers.lives.filter(({ exitedAt = Infinity }) => exitedAt > orderedAt);
    const old = (): readonly ReplicaLife[] => lived().filter(({ startedAt }) => startedAt < orderedAt);
    try {
      tell({ kind: 'command-started', command: reload });
      await runCommand(reload, { cwd: options.cwd, env: this.environment(), signal });
      tell({ kind: 'command-ended', command: reload });
      this.workers.look();
      // It may have returned as soon as the order was given.
      const deadline = performance.now() + options.platform.graceMs;
      while (old().some(({ exitedAt }) => exitedAt === undefined) && performance.now() < deadline) {
        await sleep(pollMs, signal);
        signal.throwIfAborted();
        this.workers.look();
      }
    } finally {
      for (const life of lived()) lives.add(life);
    }
    for (const { name, exit } of old()) if (exit) tell({ kind: 'exited', replica: name, exit });
  }

  async close(): Promise<void> {
    clearInterval(this.watching);
    this.workers.look();
    const { options } = this.context;
    if (this.procedure.end !== undefined && this.child?.pid !== undefined) {
      const done = { cwd: options.cwd, env: this.environment(), signal: AbortSignal.timeout(options.platform.graceMs) };
      // What it leaves is ended below.
      await runCommand(this.procedure.end, done).catch(() => undefined);
    }
    if (this.child) killGroup(this.child);
    this.takeBack?.();
    await this.files.endMarked();
    this.files.remove();
  }

  private environment(): Record<string, string> {
    const { options, settings } = this.context;
    return {
      ...options.platform.env,
      ...this.procedure.env?.(this.files.folder),
      ...this.variables(),
      DRILL_PID: String(this.child?.pid ?? ''),
      DRILL_COMMAND: settings.command.join(' '),
    };
  }

  /** What the group has in its environment, wherever it runs. */
  private variables(): Record<string, string> {
    const { portEnv = drillDefaults.portEnv, env } = this.context.options;
    return {
      ...env,
      [portEnv]: String(this.port),
      ...this.context.environmentOf?.(group),
      ...this.files.environmentOf(group),
    };
  }

  private async whenReady(command: string): Promise<void> {
    const { options, settings, signal } = this.context;
    const { startTimeoutMs = drillDefaults.startTimeoutMs, platform } = options;
    const deadline = performance.now() + startTimeoutMs;
    let status: number | undefined;
    while (!isReadyStatus(platform, status)) {
      const child = this.child!;
      const hasFailed = (child.exitCode ?? 0) !== 0 || child.signalCode !== null;
      if (hasFailed || performance.now() > deadline) {
        const said = this.output.trim().split('\n').at(-1)?.trim();
        const how = hasFailed
          ? 'failed'
          : `did not answer ${settings.readinessPath} within ${startTimeoutMs / 1_000} s`;
        throw new BadInputError(`'${command}' ${how}${said ? `; it said: ${said.slice(0, 200)}` : '.'}`);
      }
      status = await probe({ host: '127.0.0.1', port: this.port }, settings.readinessPath, probeTimeoutMs);
      await sleep(pollMs, signal);
      signal.throwIfAborted();
    }
  }
}
