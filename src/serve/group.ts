import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../sequence/clock.js';
import { type Answer, ControlSocket, type Order } from './control-socket.js';
import { inheritedSockets } from './inherited-sockets.js';
import { ListeningSockets } from './listening-sockets.js';
import { resolveRelease } from './release.js';
import { type ServeOptions } from './serve-options.js';
import { startWorker, type WorkerSetup } from './start-worker.js';
import { statusText } from './status.js';
import { Supervisor } from './supervisor.js';
import { type WorkerProcess } from './worker-process.js';

/** Runs a group until it ends. Resolves with the exit code. */
export async function serve(options: ServeOptions, preload: string): Promise<number> {
  const group = new Group(options, preload);
  return group.run();
}

/** Everything of one group put together: the supervisor, its sockets, and who tells it what to do. */
class Group {
  private readonly clock = systemClock;
  private readonly privateFolder = mkdtempSync(join(tmpdir(), 'nestjs-drain-'));
  private readonly sockets: ListeningSockets;
  private readonly supervisor: Supervisor;
  private readonly processes = new Set<WorkerProcess>();
  private control?: ControlSocket;
  private stopped: () => void = () => undefined;
  private wereKilled = false;

  constructor(
    private readonly options: ServeOptions,
    preload: string,
  ) {
    const { clock } = this;
    this.sockets = new ListeningSockets(options.balance, inheritedSockets());
    const setup: WorkerSetup = {
      clock,
      sockets: this.sockets,
      readiness: options.readiness,
      graceMs: options.graceMs,
      ticketKeys: randomBytes(48).toString('base64'),
      say: (line) => this.say(line),
      preload,
      privateFolder: this.privateFolder,
      prefixesLines: options.prefixesLines,
    };
    this.supervisor = new Supervisor(options, {
      clock,
      start: (release, place) => this.follow(startWorker(release, place, setup)),
      nextRelease: (generation) => resolveRelease(options.source, generation),
      say: (line) => this.say(line),
      changed: () => undefined,
      closing: () => this.closing(),
      settled: () => this.closeUnasked(),
    });
  }

  async run(): Promise<number> {
    try {
      this.control = await ControlSocket.open(this.options.control, (order) => this.obey(order));
      const stopped = this.listenForSignals();
      return await this.runUntil(stopped);
    } finally {
      this.control?.close();
      rmSync(this.privateFolder, { recursive: true, force: true });
    }
  }

  private async runUntil(stopped: Promise<void>): Promise<number> {
    const { supervisor } = this;
    const why = await Promise.race([supervisor.start(), stopped.then(() => 'stopped')]);
    if (why === undefined) this.say(`${supervisor.places.length} workers serve ${this.sockets.keys.join(', ')}`);
    const failure = why === undefined || why === 'stopped' ? undefined : why;
    const end = failure ?? (await Promise.race([supervisor.failed, stopped.then(() => undefined)]));
    if (end !== undefined) this.say(`the group ends: ${end}`);
    await supervisor.stop();
    await this.sockets.closeAll();
    return end !== undefined || this.wereKilled ? 1 : 0;
  }

  private listenForSignals(): Promise<void> {
    const { supervisor } = this;
    return new Promise((resolve) => {
      const stop = (signal: NodeJS.Signals) => {
        if (supervisor.phase === 'stopping' && signal === 'SIGINT') return supervisor.force('a second SIGINT');
        void supervisor.stop(signal).then(resolve);
      };
      process.on('SIGTERM', stop).on('SIGINT', stop);
      const reload = () => void supervisor.reload();
      process.on('SIGHUP', reload).on('SIGUSR2', reload);
      const scaleBy = (difference: number) => () => {
        const workers = supervisor.places.length + difference;
        if (workers > 0) supervisor.scale(workers);
      };
      process.on('SIGTTIN', scaleBy(1)).on('SIGTTOU', scaleBy(-1));
      this.stopped = resolve;
    });
  }

  private async obey({ order, workers }: Order): Promise<Answer> {
    const { supervisor } = this;
    switch (order) {
      case 'reload':
        return supervisor.reload();
      case 'status':
        return { isDone: true, summary: statusText(supervisor, this.clock) };
      case 'stop':
        await supervisor.stop();
        this.stopped();
        return { isDone: true, summary: 'all workers have ended' };
      case 'scale':
        if (!Number.isInteger(workers) || workers! < 1)
          return { isDone: false, summary: 'Expected one worker at least.' };
        supervisor.scale(workers!);
        return { isDone: true, summary: `${workers} workers` };
      default:
        return { isDone: false, summary: `Expected reload, status, stop or scale, got ${String(order)}.` };
    }
  }

  /** Where the sockets are another's, clients wait there for whoever comes next. */
  private closing(): 'rolled' | 'stopped' {
    if (this.sockets.areInherited) {
      void this.sockets.closeAll();
      return 'rolled';
    }
    this.sockets.closeWithLastWorkers();
    return 'stopped';
  }

  private closeUnasked(): void {
    const current = [...this.processes].filter(({ phase }) => phase === 'serving');
    void this.sockets.keepOnly(new Set(current.flatMap(({ keys }) => keys)));
  }

  private follow(worker: WorkerProcess): WorkerProcess {
    this.processes.add(worker);
    void worker.gone.then(() => {
      this.wereKilled ||= worker.wasKilled && this.supervisor.phase === 'stopping';
      this.processes.delete(worker);
    });
    return worker;
  }

  private say(line: string): void {
    process.stdout.write(`[serve] ${line}\n`);
  }
}
