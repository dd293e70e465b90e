import { type Clock, type ClockTimer } from '../sequence/clock.js';
import { type WorkerPhase } from './worker.js';

/** What is watched. */
export interface Watched {
  readonly phase: WorkerPhase;
  /** How long nothing has been heard of it, ms. */
  readonly silentMs: number;
  kill(why: string): void;
}

/** How often workers are looked at, ms. */
const lookEveryMs = 250;
/** After a pause of this process itself, what workers have said in the meantime is read first, ms. */
const lateMs = 1_000;

/** Kills workers whose event loop does not turn any more: others take their place, and what they had not taken. */
export class HangWatch {
  private timer?: ClockTimer;

  /** @param limitMs 0: nobody is watched */
  constructor(
    private readonly clock: Clock,
    private readonly limitMs: number,
    private readonly watched: () => Iterable<Watched>,
    private readonly found: () => void,
  ) {}

  start(): void {
    if (this.limitMs > 0) this.lookAfter(this.clock.now() + lookEveryMs);
  }

  stop(): void {
    this.timer?.cancel();
  }

  private lookAfter(dueAt: number): void {
    this.timer = this.clock.after(dueAt - this.clock.now(), () => {
      if (this.clock.now() - dueAt < lateMs) this.look();
      this.lookAfter(this.clock.now() + lookEveryMs);
    });
  }

  private look(): void {
    for (const worker of this.watched()) {
      // Whoever starts, or retires, has another limit.
      const isWatched = worker.phase === 'ready' || worker.phase === 'serving';
      if (!isWatched || worker.silentMs < this.limitMs) continue;
      this.found();
      worker.kill(`it hangs: nothing has been heard of it for ${Math.round(worker.silentMs)} ms`);
    }
  }
}
