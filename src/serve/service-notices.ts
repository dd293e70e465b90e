import { type Clock, type ClockTimer } from '../sequence/clock.js';
import { type SystemdNotifier } from '../platform/systemd-notifier.js';
import { type GroupPhase } from './supervisor.js';

/** How often systemd is asked for more time while workers end, ms; and for how much each time. */
const askEveryMs = 2_000;
const extendMs = 10_000;

/** Tells systemd where the group stands: `systemctl start`, `reload` and `stop` wait for it. */
export class ServiceNotices {
  private asking?: ClockTimer;
  private watchdog?: ClockTimer;

  constructor(
    private readonly notifier: Pick<SystemdNotifier, 'tell' | 'aliveEveryMs'>,
    private readonly clock: Clock,
    /** One line. */
    private readonly status: () => string,
    private readonly monotonicUsec = () => process.hrtime.bigint() / 1_000n,
  ) {}

  entered(phase: GroupPhase): void {
    switch (phase) {
      case 'starting':
        return;
      case 'serving':
        this.notifier.tell({ READY: '1', STATUS: this.status() });
        if (!this.watchdog) this.beAlive();
        return;
      case 'reloading':
        return this.notifier.tell({
          RELOADING: '1',
          MONOTONIC_USEC: String(this.monotonicUsec()),
          STATUS: this.status(),
        });
      case 'stopping':
        return this.askForTime({ STOPPING: '1' });
    }
  }

  stop(): void {
    this.asking?.cancel();
    this.watchdog?.cancel();
  }

  private askForTime(news: Readonly<Record<string, string>> = {}): void {
    this.notifier.tell({ ...news, STATUS: this.status(), EXTEND_TIMEOUT_USEC: String(extendMs * 1_000) });
    this.asking = this.clock.after(askEveryMs, () => this.askForTime());
  }

  private beAlive(): void {
    const { aliveEveryMs } = this.notifier;
    if (aliveEveryMs === undefined) return;
    this.notifier.tell({ WATCHDOG: '1' });
    this.watchdog = this.clock.after(aliveEveryMs, () => this.beAlive());
  }
}
