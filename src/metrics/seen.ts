import { type ShutdownSnapshot } from '../in-flight/snapshot.js';
import { type Clock, systemClock } from '../sequence/clock.js';
import { type ShutdownEvent } from '../sequence/events.js';
import { type ShutdownPhase } from '../sequence/phase.js';

/** Where snapshots of the application come from. */
interface SnapshotSource {
  snapshot(): ShutdownSnapshot;
}

/**
 * What there is to be told of one application: what its events have said, and a snapshot, taken when somebody reads the
 * metrics. Nothing is counted for them while requests are served.
 */
export class Seen {
  readonly leftovers = new Map<string, number>();
  readonly outcomes = new Map<string, number>();
  /** How many previous runs ended in the middle of a shutdown, by phase. */
  readonly previousEnds = new Map<string, number>();
  failedHooks = 0;
  /** How much work was in flight when they ended. */
  previousInFlight = 0;
  private readonly phaseMs = new Map<ShutdownPhase, number>();
  private readonly kinds = new Set<string>();
  private present?: { readonly phase: ShutdownPhase; readonly startedAt: number };

  constructor(
    private readonly source: SnapshotSource,
    private readonly clock: Clock = systemClock,
  ) {}

  get snapshot(): ShutdownSnapshot {
    return this.source.snapshot();
  }

  /** Kinds that have been seen stay, at 0. */
  get inFlight(): ReadonlyMap<string, number> {
    const counts = this.snapshot.inFlight;
    for (const kind of Object.keys(counts)) this.kinds.add(kind);
    return new Map(Array.from(this.kinds, (kind) => [kind, counts[kind] ?? 0]));
  }

  get phaseSeconds(): ReadonlyMap<string, number> {
    const seconds = new Map<string, number>(Array.from(this.phaseMs, ([phase, ms]) => [phase, ms / 1_000]));
    if (this.present) seconds.set(this.present.phase, (this.clock.now() - this.present.startedAt) / 1_000);
    return seconds;
  }

  get shutdownSeconds(): number {
    let sum = 0;
    for (const seconds of this.phaseSeconds.values()) sum += seconds;
    return sum;
  }

  /** Subscribe it to the events. */
  readonly hear = (event: ShutdownEvent): void => {
    if (event.type === 'phase') this.enter(event.phase);
    else if (event.type === 'hook') this.failedHooks += Number(event.hook.outcome !== 'fulfilled');
    else if (event.type === 'previous-run') {
      add(this.previousEnds, event.previous.phase);
      this.previousInFlight += event.previous.inFlight;
    } else if (event.type === 'report') {
      for (const { kind } of event.report.leftovers) add(this.leftovers, kind);
      add(this.outcomes, event.report.outcome);
    }
  };

  private enter(phase: ShutdownPhase): void {
    const { present, clock } = this;
    if (present) this.phaseMs.set(present.phase, clock.now() - present.startedAt);
    this.present = phase === 'closed' ? undefined : { phase, startedAt: clock.now() };
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
