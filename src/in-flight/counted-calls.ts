import { type Clock } from '../sequence/clock.js';
import { type Held } from './lease.js';
import { runUntilSettled } from './run-until-settled.js';

/** What holds the work. */
interface WorkHolder {
  add(work: Held): void;
  remove(work: Held): void;
}

/**
 * Counts calls that are begun by others (a consumer, a scheduler, an emitter of events), and that nobody here refuses:
 * each is in flight until what it returns has settled. It never throws, also when the drain is over.
 */
export class CountedCalls {
  constructor(
    private readonly holder: WorkHolder,
    private readonly clock: Clock,
  ) {}

  /** Something begins. Returns what says that it has ended; only the first call counts. */
  begin(kind: string, name: string): () => void {
    const work: Held = { kind, name, startedAt: this.clock.now() };
    this.holder.add(work);
    return () => this.holder.remove(work);
  }

  /** Runs `call`, and counts it. Returns what it returns, or, of a promise, one that settles alike. */
  run<T>(kind: string, name: string, call: () => T): T {
    return runUntilSettled(call, this.begin(kind, name));
  }
}
