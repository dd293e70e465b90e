import { type ChildProcess } from 'node:child_process';
import { type Clock, type ClockTimer, systemClock } from '../sequence/clock.js';
import { type ShutdownEvent } from '../sequence/events.js';
import { type ShutdownPhase } from '../sequence/phase.js';
import { clusterWorker } from './shared-socket.js';

/** Runs the program that tells systemd. Calls back when it has ended, with what went wrong, if anything. */
export type Notify = (assignments: readonly string[], ended: (error?: Error) => void) => void;

/** How often systemd hears of the work in flight, and is asked for more time, while the process shuts down, ms. */
const tellEveryMs = 2_000;
/** How much more time it is asked for each time, ms: enough for a few words that get lost. */
const extendMs = 10_000;
/** systemd-notify is waited for so long, ms. */
const notifyWithinMs = 2_000;

/** What the service manager is told of. */
interface Told {
  readonly clock: Clock;
  readonly inFlight: () => number;
  readonly warn: (message: string) => void;
  readonly environment?: NodeJS.ProcessEnv;
  readonly pid?: number;
  readonly notify?: Notify;
  /** The process is a worker of `node:cluster`. */
  readonly isWorker?: boolean;
}

/**
 * Tells systemd where the process stands, as `sd_notify(3)` has it: ready, stopping, the work in flight, alive. Silent
 * where systemd does not listen (`NOTIFY_SOCKET`). Node has no datagrams of Unix sockets, so `systemd-notify` is run,
 * one at a time, and nothing waits for it.
 */
export class ServiceManager {
  private readonly isListening: boolean;
  private readonly notify: Notify;
  /** What is still to be told, by name: what was not told in time is out of date. */
  private readonly untold = new Map<string, string>();
  private isTelling = false;
  private isMissing = false;
  private isReady = false;
  private watchdog?: ClockTimer;
  private progress?: ClockTimer;

  constructor(private readonly told: Told) {
    const { environment = process.env, notify = runSystemdNotify, isWorker = clusterWorker() !== undefined } = told;
    // The process that systemd knows is their primary.
    this.isListening = environment.NOTIFY_SOCKET !== undefined && !isWorker;
    this.notify = notify;
  }

  /** The application listens. */
  ready(): void {
    if (!this.isListening || this.isReady) return;
    this.isReady = true;
    this.tell({ READY: '1', STATUS: 'serving' });
    this.beAlive();
  }

  /** Subscribe it to the events of the shutdown. */
  readonly log = (event: ShutdownEvent): void => {
    if (!this.isListening || event.type !== 'phase') return;
    this.progress?.cancel();
    if (event.phase === 'closed') return this.watchdog?.cancel();
    this.tellProgress(event.phase, event.previous === 'running' ? { STOPPING: '1' } : {});
  };

  private tellProgress(phase: ShutdownPhase, news: Readonly<Record<string, string>> = {}): void {
    // systemd does not shorten what it has granted. The hard stop ends the process, however long systemd would wait.
    const status = `${phase}, ${this.told.inFlight()} in flight`;
    this.tell({ ...news, STATUS: status, EXTEND_TIMEOUT_USEC: String(extendMs * 1_000) });
    this.progress = this.told.clock.after(tellEveryMs, () => this.tellProgress(phase));
    this.progress.unref?.();
  }

  /** Twice in the time after which systemd takes the process for hung. */
  private beAlive(): void {
    const { environment = process.env, pid = process.pid, clock } = this.told;
    const { WATCHDOG_USEC, WATCHDOG_PID = String(pid) } = environment;
    const everyMs = Number(WATCHDOG_USEC) / 2_000;
    if (!(everyMs >= 1) || WATCHDOG_PID !== String(pid)) return;
    const tick = () => {
      this.tell({ WATCHDOG: '1' });
      this.watchdog = clock.after(everyMs, tick);
      this.watchdog.unref?.();
    };
    tick();
  }

  private tell(assignments: Readonly<Record<string, string>>): void {
    if (this.isMissing) return;
    for (const [name, value] of Object.entries(assignments)) this.untold.set(name, value);
    if (!this.isTelling) this.tellAll();
  }

  private tellAll(): void {
    const assignments = [...this.untold].map(([name, value]) => `${name}=${value}`);
    if (assignments.length === 0) return;
    this.untold.clear();
    this.isTelling = true;
    this.notify(assignments, (error) => {
      this.isTelling = false;
      if (!error) return this.tellAll();
      this.isMissing = true;
      this.told.warn(
        'systemd waits to hear from this process (NOTIFY_SOCKET is set), and systemd-notify cannot be run: ' +
          `${error.message}. Install it, or write Type=exec in the unit.`,
      );
    });
  }
}

function runSystemdNotify(assignments: readonly string[], ended: (error?: Error) => void): void {
  // Most applications start no other program, and need not load what does.
  const { spawn } = process.getBuiltinModule('node:child_process');
  let child: ChildProcess;
  try {
    child = spawn('systemd-notify', assignments, { stdio: 'ignore' });
  } catch (error) {
    return ended(error as Error);
  }
  child.unref();
  const timer = systemClock.after(notifyWithinMs, () => child.kill('SIGKILL'));
  timer.unref?.();
  child.once('error', (error) => {
    timer.cancel();
    ended(error);
  });
  child.once('exit', () => {
    timer.cancel();
    ended();
  });
}
