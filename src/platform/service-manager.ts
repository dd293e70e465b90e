import { type Clock, type ClockTimer } from '../sequence/clock.js';
import { type ShutdownEvent } from '../sequence/events.js';
import { type ShutdownPhase } from '../sequence/phase.js';
import { clusterWorker } from './shared-socket.js';
import { type Notify, SystemdNotifier } from './systemd-notifier.js';

/** How often systemd hears of the work in flight, and is asked for more time, while the process shuts down, ms. */
const tellEveryMs = 2_000;
/** How much more time it is asked for each time, ms: enough for a few words that get lost. */
const extendMs = 10_000;

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
 * where systemd does not listen.
 */
export class ServiceManager {
  private readonly notifier: SystemdNotifier;
  private readonly isListening: boolean;
  private isReady = false;
  private watchdog?: ClockTimer;
  private progress?: ClockTimer;

  constructor(private readonly told: Told) {
    const { isWorker = clusterWorker() !== undefined } = told;
    this.notifier = new SystemdNotifier(told);
    // The process that systemd knows is their primary.
    this.isListening = this.notifier.isListening && !isWorker;
  }

  /** The application listens. */
  ready(): void {
    if (!this.isListening || this.isReady) return;
    this.isReady = true;
    this.notifier.tell({ READY: '1', STATUS: 'serving' });
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
    this.notifier.tell({ ...news, STATUS: status, EXTEND_TIMEOUT_USEC: String(extendMs * 1_000) });
    this.progress = this.told.clock.after(tellEveryMs, () => this.tellProgress(phase));
    this.progress.unref?.();
  }

  private beAlive(): void {
    const { aliveEveryMs } = this.notifier;
    if (aliveEveryMs === undefined) return;
    const tick = () => {
      this.notifier.tell({ WATCHDOG: '1' });
      this.watchdog = this.told.clock.after(aliveEveryMs, tick);
      this.watchdog.unref?.();
    };
    tick();
  }
}
