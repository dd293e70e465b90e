import { ServicePulse } from '../platform/service-pulse.js';
import { type SystemdNotifier } from '../platform/systemd-notifier.js';
import { type Clock } from '../sequence/clock.js';
import { type GroupPhase } from './supervisor.js';

/** Tells systemd where the group stands: `systemctl start`, `reload` and `stop` wait for it. */
export class ServiceNotices {
  private readonly pulse: ServicePulse;

  constructor(
    private readonly notifier: Pick<SystemdNotifier, 'tell' | 'aliveEveryMs'>,
    clock: Clock,
    /** One line. */
    private readonly status: () => string,
    private readonly monotonicUsec = () => process.hrtime.bigint() / 1_000n,
  ) {
    this.pulse = new ServicePulse(notifier, clock);
  }

  entered(phase: GroupPhase): void {
    switch (phase) {
      case 'starting':
        return;
      case 'serving':
        this.notifier.tell({ READY: '1', STATUS: this.status() });
        return this.pulse.beAlive();
      case 'reloading':
        return this.notifier.tell({
          RELOADING: '1',
          MONOTONIC_USEC: String(this.monotonicUsec()),
          STATUS: this.status(),
        });
      case 'stopping':
        return this.pulse.ending(this.status, { STOPPING: '1' });
    }
  }

  stop(): void {
    this.pulse.stop();
  }
}
