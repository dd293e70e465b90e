import { DrainCore } from '../../../src/drain-core.js';
import { GracefulShutdown } from '../../../src/graceful-shutdown.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { type PreviousRun } from '../../../src/sequence/events.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

/** A run that was killed in its drain. */
export const interruptedRun: PreviousRun = {
  pid: 7,
  reason: 'signal SIGTERM',
  startedAt: new Date(0).toISOString(),
  phase: 'draining',
  phaseMs: 9_200,
  elapsedMs: 14_000,
  inFlight: 3,
  work: [],
};

/** An application whose shutdown a test walks through, on a clock of its own. */
export class Observed {
  readonly clock = new FakeClock();
  readonly core = new DrainCore(
    resolveOptions({ lameDuck: { minMs: 2_000, maxMs: 2_000 }, drainTimeoutMs: 1_000 }),
    this.clock,
    {},
  );
  readonly shutdown = new GracefulShutdown(this.core);

  hold(kind = 'request', name = 'GET /') {
    return this.core.tracker.take(kind, name);
  }

  /** Begins a shutdown, as `app.close()` does. */
  async begin(): Promise<void> {
    void this.core.sequence.begin({ reason: 'app.close()', isHostClosing: true });
    await settle();
  }

  /** Nest has closed. */
  async end(): Promise<void> {
    this.core.sequence.hostClosed();
    await settle();
  }
}
