import { type Clock, type ClockTimer } from '../../sequence/clock.js';

interface Turn<T> {
  readonly item: T;
  readonly at: number;
}

/**
 * After the event loop has been held up, the turns that are due are taken this much faster than planned, and not all at
 * once.
 */
const hurry = 1.5;
/** So much of the plan may be taken at once: timers are coarse. */
const slackMs = 25;

/**
 * Deals with many items one after the other over a span of time, each at a random moment of a share of its own: no part
 * of the span sees many more of them than another, not even when the event loop has been held up. Clients that all
 * leave at the same moment stampede whoever is left.
 */
export class Spread<T> {
  /** Latest first: the next one is at the end. */
  private turns: Turn<T>[] = [];
  private timer?: ClockTimer;
  private endAt = -Infinity;
  /** The span divided by the items. */
  private shareMs = 0;
  /** When the next turn would be taken if all were taken as fast as they may be. */
  private paceAt = -Infinity;

  /** @param act is called once with each item; it may find that the item has gone meanwhile */
  constructor(
    private readonly clock: Clock,
    private readonly act: (item: T) => void,
    private readonly random: () => number = Math.random,
  ) {}

  /** Those who have not had their turn. */
  get size(): number {
    return this.turns.length;
  }

  /** Reports whether the span has passed, though turns may be left: they are late, and taken as fast as they may be. */
  get isOver(): boolean {
    return this.clock.now() >= this.endAt;
  }

  /** Begins. `items` take their turns in any order within `spreadMs`. */
  over(spreadMs: number, items: Iterable<T>): void {
    const shuffled = shuffle([...items], this.random);
    const now = this.clock.now();
    const shareMs = spreadMs / Math.max(1, shuffled.length);
    this.shareMs = shareMs;
    this.endAt = now + spreadMs;
    this.turns = shuffled.map((item, place) => ({ item, at: now + (place + this.random()) * shareMs })).reverse();
    this.wait();
  }

  /** Adds one that has come since: it takes a moment of what is left of the span. Reports whether anything is left. */
  add(item: T): boolean {
    const now = this.clock.now();
    if (now >= this.endAt) return false;
    const at = now + this.random() * (this.endAt - now);
    const place = this.turns.findIndex((each) => each.at < at);
    this.shareMs = Math.min(this.shareMs, (this.endAt - now) / (this.turns.length + 1));
    this.turns.splice(place === -1 ? this.turns.length : place, 0, { item, at });
    this.wait();
    return true;
  }

  /** Stops. Who has not had a turn gets none. */
  stop(): void {
    this.timer?.cancel();
    this.endAt = -Infinity;
    this.turns = [];
  }

  private wait(): void {
    this.timer?.cancel();
    const next = this.turns.at(-1);
    if (next) this.timer = this.clock.after(this.takenAt(next) - this.clock.now(), () => this.take());
  }

  private take(): void {
    const now = this.clock.now();
    for (let next = this.turns.at(-1); next && this.takenAt(next) <= now; next = this.turns.at(-1)) {
      this.turns.pop();
      this.paceAt = Math.max(this.paceAt, now) + this.shareMs / hurry;
      this.act(next.item);
    }
    this.wait();
  }

  /** Its moment, or, where too many before it came late, as soon after it as the pace allows. */
  private takenAt({ at }: Turn<T>): number {
    return Math.max(at, this.paceAt - Math.max(slackMs, 2 * this.shareMs));
  }
}

function shuffle<T>(items: T[], random: () => number): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
