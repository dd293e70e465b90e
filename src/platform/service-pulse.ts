import { type Clock, type ClockTimer } from '../sequence/clock.js';
import { type SystemdNotifier } from './systemd-notifier.js';

/** How often systemd hears how far the end of a process has come, and is asked for more time, ms. */
const tellEveryMs = 2_000;
/** How much more time it is asked for each time, ms: enough for a few words that get lost. */
const extendMs = 10_000;

/** What systemd hears of a process again and again: that it lives, and, while it ends, that it is at work. */
export class ServicePulse {
  private watchdog?: ClockTimer;
  private progress?: ClockTimer;

  constructor(
    private readonly notifier: Pick<SystemdNotifier, 'tell' | 'aliveEveryMs'>,
    private readonly clock: Clock,
    private readonly watched: () => void = () => undefined,
    /** What has been drained, and is closed by nobody, does not ask for time for ever. */
    private readonly endsBy: () => number = () => Infinity,
  ) {}

  beAlive(): void {
    const { aliveEveryMs } = this.notifier;
    if (aliveEveryMs === undefined || this.watchdog) return;
    const tick = () => {
      this.watched();
      this.notifier.tell({ WATCHDOG: '1' });
      this.watchdog = this.clock.after(aliveEveryMs, tick);
      this.watchdog.unref?.();
    };
    tick();
  }

  /**
   * Tells where the end of the process stands, in the place of what was told before.
   *
   * @param status one line
   * @param news what is told once
   */
  ending(status: () => string, news: Readonly<Record<string, string>> = {}): void {
    this.progress?.cancel();
    // systemd does not shorten what it has granted. Whoever ends the process does, however long systemd would wait.
    if (this.clock.now() < this.endsBy()) {
      this.notifier.tell({ ...news, STATUS: status(), EXTEND_TIMEOUT_USEC: String(extendMs * 1_000) });
    }
    this.progress = this.clock.after(tellEveryMs, () => this.ending(status));
    this.progress.unref?.();
  }

  stop(): void {
    this.progress?.cancel();
    this.watchdog?.cancel();
  }
}
