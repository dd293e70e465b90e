import { HookRegistry } from '../../../src/hooks/hook-registry.js';
import { InFlightTracker } from '../../../src/in-flight/in-flight-tracker.js';
import { type Drainable, type Leftover } from '../../../src/sequence/drainable.js';
import { type ShutdownEvent, ShutdownEvents } from '../../../src/sequence/events.js';
import { type LameDuckWindow, noLameDuck } from '../../../src/sequence/lame-duck.js';
import { Probes } from '../../../src/sequence/probes.js';
import { type ShutdownReport } from '../../../src/sequence/report.js';
import { type SequenceParts, type ShutdownTrigger } from '../../../src/sequence/sequence-parts.js';
import { ShutdownSequence } from '../../../src/sequence/shutdown-sequence.js';
import { Traffic } from '../../../src/sequence/traffic.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { type Gate } from '../../support/gate.js';

export const closing: ShutdownTrigger = { reason: 'app.close()', isHostClosing: true };
export const sigterm: ShutdownTrigger = { reason: 'signal SIGTERM', signal: 'SIGTERM', isHostClosing: true };
export const byHand: ShutdownTrigger = { reason: 'shutdown()', isHostClosing: false };

interface Setup {
  readonly drainTimeoutMs?: number;
  readonly gracePeriodMs?: number;
  /** The grace period is one that nobody has given. */
  readonly isAssumed?: boolean;
  readonly lameDuck?: Partial<LameDuckWindow>;
  /** Parts that take the place of the real ones. */
  readonly parts?: (real: SequenceParts) => Partial<SequenceParts>;
}

/** A sequence with real parts, a fake clock, and a log of what happened in which order. */
export class SequenceUnderTest {
  readonly clock = new FakeClock();
  readonly events = new ShutdownEvents();
  readonly hooks = new HookRegistry(this.clock, 5_000);
  readonly tracker = new InFlightTracker(this.clock);
  readonly traffic = new Traffic(this.clock);
  readonly probes = new Probes();
  readonly log: string[] = [];
  readonly seen: ShutdownEvent[] = [];
  readonly sequence: ShutdownSequence;

  constructor(setup: Setup = {}) {
    const { drainTimeoutMs = 10_000, gracePeriodMs = 30_000, isAssumed = false, lameDuck = {}, parts } = setup;
    const { clock, events, hooks, tracker, traffic, probes } = this;
    const lameDuckFor = () => ({ ...noLameDuck, ...lameDuck });
    const real: SequenceParts = { clock, events, hooks, inFlight: tracker, traffic, probes, lameDuckFor };
    const gracePeriod = () => ({ ms: gracePeriodMs, source: 'the test', isAssumed });
    this.sequence = new ShutdownSequence({ drainTimeoutMs, gracePeriod }, { ...real, ...parts?.(real) });
    events.subscribe((event) => {
      this.seen.push(event);
      if (event.type === 'phase') this.log.push(`phase ${event.phase}`);
    });
    void this.sequence.drained.then((outcome) => this.log.push(`drained: ${outcome}`));
    void this.sequence.released.then(() => this.log.push('released'));
    void this.sequence.closed.then(() => this.log.push('closed'));
  }

  /** A drainable that logs its calls. Its drain ends at once, or when its gate is released. */
  drainable(name: string, over: Partial<Drainable> & { gate?: Gate } = {}): Drainable {
    const { gate, ...members } = over;
    const logged = (step: string) => this.log.push(`${name} ${step}`);
    const drainable: Drainable = {
      name,
      announce: () => void logged('announce'),
      drain: async () => {
        logged('drain');
        await gate?.pass();
      },
      close: async () => void logged('close'),
      forceClose: async (): Promise<readonly Leftover[]> => {
        logged('forceClose');
        return [];
      },
      ...members,
    };
    this.sequence.add(drainable);
    return drainable;
  }

  /** The host (Nest) has destroyed everything. Resolves with the report. */
  async end(): Promise<ShutdownReport> {
    this.sequence.hostClosed();
    return this.report();
  }

  /** The report of a sequence that has ended; a sequence that has not is an error and not a hang. */
  async report(): Promise<ShutdownReport> {
    await settle();
    const { phase } = this.sequence;
    if (phase !== 'closed') throw new Error(`Expected the shutdown to have closed, got phase '${phase}'.`);
    return this.sequence.closed;
  }

  /** The log without the steps that do not interest here. */
  logOf(...words: readonly string[]): string[] {
    return this.log.filter((line) => words.some((word) => line.includes(word)));
  }
}

/** Work that never ends by itself. */
export const never = (): Promise<never> => new Promise(() => undefined);
