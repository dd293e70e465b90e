import { type Clock, type ClockTimer } from '../sequence/clock.js';
import { type Leftover } from '../sequence/drainable.js';
import { type Held } from './lease.js';

/** Handlers of one name whose clients have gone. */
export interface Abandoned {
  readonly kind: string;
  readonly name: string;
  /** The instant at which the first of them began, ms. */
  readonly startedAt: number;
  count: number;
}

/**
 * Handlers that go on when their clients have gone. Such a handler may await an event of its request, and never end.
 * Nothing of its request, response or socket may be reachable from here then, because whoever can abort requests could
 * fill the memory. So they are counted by their names, and no more is kept.
 */
export class AbandonedWork {
  private readonly byName = new Map<string, Abandoned>();
  private count = 0;
  private isLeftBehind = false;
  private lastWait?: ClockTimer;

  /** @param momentMs how long they are waited for when all else has ended */
  constructor(
    private readonly clock: Clock,
    private readonly momentMs: number,
  ) {}

  /** How many of them are waited for. */
  get size(): number {
    return this.isLeftBehind ? 0 : this.count;
  }

  /** Counts one. Returns what `end` is to be given. */
  add({ kind, name, startedAt }: Held): Abandoned {
    const abandoned = this.byName.get(name) ?? { kind, name, startedAt, count: 0 };
    this.byName.set(name, abandoned);
    abandoned.count++;
    this.count++;
    return abandoned;
  }

  /** One of them has ended after all. */
  end(abandoned: Abandoned): void {
    this.count--;
    if (--abandoned.count === 0) this.byName.delete(abandoned.name);
  }

  /** Waits for them a last time, from now on, and calls `over` when the moment has passed. */
  waitAMoment(over: () => void): void {
    this.stopWaiting();
    this.lastWait = this.clock.after(this.momentMs, over);
  }

  stopWaiting(): void {
    this.lastWait?.cancel();
    this.lastWait = undefined;
  }

  /** Nobody waits for them any longer. */
  leaveBehind(): void {
    this.isLeftBehind = true;
  }

  /** Returns the kinds of those that are waited for, and how many there are of one name. */
  counts(): [kind: string, count: number][] {
    return this.isLeftBehind ? [] : Array.from(this.byName.values(), ({ kind, count }) => [kind, count]);
  }

  /** Returns one entry for all of a name, with the age of the oldest. */
  leftovers(): Leftover[] {
    const now = this.clock.now();
    return Array.from(this.byName.values(), ({ kind, name, startedAt, count }) => ({
      kind,
      name,
      ageMs: Math.round(now - startedAt),
      detail: `abandoned: ${count === 1 ? 'its client had' : `${count} clients had`} gone`,
    }));
  }
}
