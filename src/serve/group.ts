import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemdNotifier } from '../platform/systemd-notifier.js';
import { systemClock } from '../sequence/clock.js';
import { Deferred } from '../sequence/deferred.js';
import { type Answer, ControlSocket, type Order } from './control-socket.js';
import { HangWatch } from './hang-watch.js';
import { inheritedSockets } from './inherited-sockets.js';
import { ListeningSockets } from './listening-sockets.js';
import { memoryAdvice } from './memory-advice.js';
import { memoryHeld } from './memory-held.js';
import { type Manner } from './protocol.js';
import { resolveRelease } from './release.js';
import { ReleaseWatch } from './release-watch.js';
import { type ServeOptions } from './serve-options.js';
import { ServiceNotices } from './service-notices.js';
import { listenForSignals } from './signals.js';
import { startWorker } from './start-worker.js';
import { statusLine, statusOf, statusText } from './status.js';
import { StatusServer } from './status-server.js';
import { Supervisor } from './supervisor.js';
import { UnaskedSockets } from './unasked-sockets.js';
import { type WorkerProcess } from './worker-process.js';

/** Runs a group until it ends. Resolves with the exit code. */
export function serve(options: ServeOptions, preload: string): Promise<number> {
  return new Group(options, preload).run();
}

/** Everything of one group put together: the supervisor, its sockets, and who tells it what to do. */
class Group {
  private readonly clock = systemClock;
  private readonly privateFolder = mkdtempSync(join(tmpdir(), 'nestjs-drain-'));
  private readonly sockets: ListeningSockets;
  private readonly supervisor: Supervisor<WorkerProcess>;
  private readonly notices: ServiceNotices;
  private readonly hangs: HangWatch;
  private readonly unasked: UnaskedSockets;
  /** What is to be closed at the end. */
  private readonly opened: { close(): void }[] = [];
  private wereKilled = false;
  private readonly stopped = new Deferred<undefined>();

  constructor(
    private readonly options: ServeOptions,
    preload: string,
  ) {
    const { clock } = this;
    this.sockets = new ListeningSockets(options.balance, inheritedSockets());
    const notifier = new SystemdNotifier({ warn: (line) => this.say(line) });
    this.notices = new ServiceNotices(notifier, clock, () => statusLine(statusOf(this.supervisor, clock)));
    const setup = {
      clock,
      sockets: this.sockets,
      readiness: options.readiness,
      graceMs: options.graceMs,
      ticketKeys: randomBytes(48).toString('base64'),
      say: (line: string) => this.say(line),
      preload: readFileSync(preload, 'utf8'),
      privateFolder: this.privateFolder,
      prefixesLines: options.prefixesLines,
    };
    this.supervisor = new Supervisor(options, {
      clock,
      start: (release, place) => this.unasked.follow(this.follow(startWorker(release, place, setup))),
      nextRelease: (version) => resolveRelease(options.source, version),
      say: (line) => this.say(line),
      changed: (phase) => this.notices.entered(phase),
      stopAccepting: () => this.stopAccepting(),
      settled: () => this.settled(),
    });
    this.unasked = new UnaskedSockets(clock, this.supervisor, this.sockets);
    const found = () => void this.supervisor.counts.hangs++;
    this.hangs = new HangWatch(clock, options.hangLimitMs, () => this.supervisor.workers, found);
  }

  async run(): Promise<number> {
    try {
      await this.open();
      return await this.runUntilStopped();
    } finally {
      for (const each of this.opened) each.close();
      this.hangs.stop();
      this.notices.stop();
      rmSync(this.privateFolder, { recursive: true, force: true });
    }
  }

  private async open(): Promise<void> {
    const { control, statusPort, watched } = this.options;
    // Whoever reads the log may end before the group does.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
    const { supervisor, clock } = this;
    this.opened.push(await ControlSocket.open(control, (order) => this.obey(order)));
    if (statusPort !== undefined) {
      const server = await StatusServer.open(statusPort, () => statusOf(supervisor, clock));
      this.opened.push(server);
      this.say(`status and metrics are told on 127.0.0.1:${server.port}`);
    }
    if (watched !== undefined) this.opened.push(new ReleaseWatch(watched, clock, () => void supervisor.reload()));
    this.opened.push(listenForSignals(supervisor, clock, () => this.stopped.resolve(undefined)));
    this.hangs.start();
    if (process.pid === 1) {
      this.say(
        'this is PID 1, and Node reaps its own children alone: where workers start others, use docker run --init',
      );
    }
  }

  private async runUntilStopped(): Promise<number> {
    const { supervisor, stopped } = this;
    const started = supervisor.start().then((why) => {
      if (why === undefined) this.say(`${supervisor.places.length} workers serve ${this.sockets.keys.join(', ')}`);
      return why ?? supervisor.failed;
    });
    const failure = await Promise.race([started, stopped.promise]);
    if (failure !== undefined) this.say(`the group ends: ${failure}`);
    await supervisor.stop();
    await this.sockets.closeAll();
    return failure !== undefined || this.wereKilled ? 1 : 0;
  }

  private async obey({ order, workers }: Order): Promise<Answer> {
    const { supervisor } = this;
    switch (order) {
      case 'reload':
        return supervisor.reload();
      case 'status':
        return { isDone: true, summary: statusText(statusOf(supervisor, this.clock)) };
      case 'stop':
        await supervisor.stop();
        // The answer goes first.
        this.clock.after(0, () => this.stopped.resolve(undefined));
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
  private stopAccepting(): Manner {
    if (this.sockets.areInherited) {
      void this.sockets.closeAll();
      return 'rolled';
    }
    this.sockets.closeWithLastWorkers();
    return 'stopped';
  }

  /** Closes what no worker asks for any more, and looks whether there is room for a reload. */
  private settled(): void {
    this.unasked.closeSoon();
    const serving = this.supervisor.workers.filter(({ phase }) => phase === 'serving');
    const advice = memoryAdvice({
      workers: serving.length,
      workerBytes: Math.max(0, ...serving.map(({ rss }) => rss)),
      supervisorBytes: memoryHeld(),
      limitBytes: process.constrainedMemory?.(),
    });
    if (advice !== undefined) this.say(advice);
  }

  private follow(worker: WorkerProcess): WorkerProcess {
    void worker.gone.then(() => (this.wereKilled ||= worker.wasKilled && this.supervisor.phase === 'stopping'));
    return worker;
  }

  private say(line: string): void {
    process.stdout.write(`[serve] ${line}\n`);
  }
}
