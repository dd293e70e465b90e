import { type Clock } from '../sequence/clock.js';
import { type ShutdownEvent } from '../sequence/events.js';
import { ServicePulse } from './service-pulse.js';
import { clusterWorker } from './shared-socket.js';
import { type Notify, SystemdNotifier } from './systemd-notifier.js';

/** What the service manager is told of. */
interface Told {
  readonly clock: Clock;
  readonly inFlight: () => number;
  readonly warn: (message: string) => void;
  /** Reports whether the process is to end with the shutdown that has begun. */
  readonly isTheEnd: () => boolean;
  /** Reports whether nobody has asked the process to end, and another application in it runs on. */
  readonly isAside: () => boolean;
  /** The instant after which a shutdown is not waited for any longer. */
  readonly hardStopAt: () => number;
  /** Is called each time before systemd hears that the process lives, which it does where it watches that. */
  readonly watched?: () => void;
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
  private readonly pulse: ServicePulse;

  constructor(private readonly told: Told) {
    const { isWorker = clusterWorker() !== undefined } = told;
    this.notifier = new SystemdNotifier(told);
    this.pulse = new ServicePulse(this.notifier, told.clock, told.watched, told.hardStopAt);
    // The process that systemd knows is their primary.
    this.isListening = this.notifier.isListening && !isWorker;
  }

  /** The application listens. */
  ready(): void {
    if (!this.isListening || this.isReady) return;
    this.isReady = true;
    this.notifier.tell({ READY: '1', STATUS: 'serving' });
    this.pulse.beAlive();
  }

  /** Subscribe it to the events of the shutdown. */
  readonly log = (event: ShutdownEvent): void => {
    if (!this.isListening || event.type !== 'phase') return;
    const { phase, previous } = event;
    if (phase === 'closed') return this.pulse.stop();
    const { inFlight, isTheEnd, isAside } = this.told;
    if (isAside()) return;
    const status = () => `${phase}, ${inFlight()} in flight`;
    // Where the service goes on after all, systemd would kill it for this word.
    this.pulse.ending(status, previous === 'running' && isTheEnd() ? { STOPPING: '1' } : {});
  };
}
