import { type GracePeriod, timerMaxMs } from '../sequence/budget.js';
import { type Platform, recognise, type Surroundings } from './platforms.js';
import { askStopTimeout } from './stop-timeout.js';

/**
 * How long this process has from the signal to SIGKILL: what the option says, or what the platform it is found on
 * grants. systemd is asked once, by `whenKnown()`.
 */
export class PlatformGrace {
  /** The instant of the signal that asks the process to end. */
  since?: number;
  private known: GracePeriod;
  private readonly platform?: Platform;

  /** @param option the option `gracePeriodMs` */
  constructor(
    option: number | 'auto',
    environment: NodeJS.ProcessEnv,
    { pid, parentPid }: Omit<Surroundings, 'environment'> = { pid: process.pid, parentPid: process.ppid },
    private readonly ask: typeof askStopTimeout = askStopTimeout,
  ) {
    if (option === 'auto') {
      const platform = (this.platform = recognise({ environment, pid, parentPid }));
      this.known = assumed(platform.gracePeriodMs, `${platform.name} (${platform.why})`);
    } else {
      this.known = { ms: option, source: 'the option gracePeriodMs', isAssumed: false };
    }
  }

  /** What is known now. */
  get now(): GracePeriod {
    return { ...this.known, since: this.since };
  }

  /** Calls back once all is known that can be: at once, unless there is somebody to ask. */
  whenKnown(done: () => void): void {
    if (!this.platform?.isSystemd) return done();
    this.ask((stopTimeoutMs) => {
      if (stopTimeoutMs !== undefined) this.known = assumed(stopTimeoutMs, 'systemd (TimeoutStopSec of the unit)');
      done();
    });
  }
}

function assumed(ms: number, source: string): GracePeriod {
  return { ms: Math.min(ms, timerMaxMs), source, isAssumed: true };
}
