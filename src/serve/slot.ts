import { type Clock, type ClockTimer } from '../sequence/clock.js';
import { type Manner } from './protocol.js';
import { type Release } from './release.js';
import { whyNotReady } from './trial.js';
import { type StartWorker, type Worker } from './worker.js';

/** A worker that ends sooner after it was started has not recovered from what its predecessor died of, ms. */
const soonMs = 10_000;
/** The first successor starts at once. Each further one waits twice as long as the one before it, to this at most, ms. */
const firstPauseMs = 250;
const longestPauseMs = 10_000;

/** What a slot meets of its group. */
export interface SlotSurroundings {
  readonly clock: Clock;
  readonly start: StartWorker;
  readonly readyWithinMs: number;
  /** A worker of this place serves. */
  serves(slot: Slot): void;
  /** A worker has ended that nobody told to, or did not become ready. */
  failed(slot: Slot, worker: Worker, why: string): void;
}

/** One place among the workers: it is filled again whenever its worker ends by itself. */
export class Slot {
  private current?: Worker;
  private timer?: ClockTimer;
  private deaths = 0;
  private isOpen = true;

  constructor(
    readonly place: number,
    private readonly around: SlotSurroundings,
  ) {}

  get worker(): Worker | undefined {
    return this.current;
  }

  get isServing(): boolean {
    return this.current?.phase === 'serving';
  }

  /** How many workers in a row have ended soon after their start. */
  get earlyDeaths(): number {
    return this.deaths;
  }

  /** Starts a worker of this release, and another one whenever it ends. */
  run(release: Release): void {
    void this.keep(this.around.start(release, this.place));
  }

  /** A worker that has proved itself takes the place of whoever is here, who retires as soon as clients reach it. */
  async adopt(worker: Worker): Promise<void> {
    const old = this.current;
    this.deaths = 0;
    void this.keep(worker);
    await worker.serve();
    old?.retire('rolled');
  }

  /** Whoever is here goes, and workers of this release are started until one stays. */
  runInstead(release: Release): void {
    const old = this.current;
    this.run(release);
    old?.retire('rolled');
  }

  /** Nobody takes the place any more. */
  close(manner: Manner, signal?: NodeJS.Signals): void {
    this.isOpen = false;
    this.timer?.cancel();
    this.current?.retire(manner, signal);
  }

  private async keep(worker: Worker): Promise<void> {
    this.timer?.cancel();
    this.current = worker;
    const { clock, readyWithinMs } = this.around;
    const why = await whyNotReady(worker, clock, readyWithinMs);
    if (!this.isKept(worker)) return;
    if (why === undefined) {
      await worker.serve();
      if (!this.isKept(worker)) return;
      if (this.isServing) this.around.serves(this);
    } else {
      worker.kill(why);
    }
    const how = await worker.gone;
    if (this.isKept(worker)) this.refill(worker, why ?? `it ended (${how})`);
  }

  private isKept(worker: Worker): boolean {
    return this.isOpen && this.current === worker;
  }

  private refill(worker: Worker, why: string): void {
    const { clock } = this.around;
    this.deaths = clock.now() - worker.startedAt < soonMs ? this.deaths + 1 : 0;
    this.around.failed(this, worker, why);
    const pauseMs = this.deaths < 2 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (this.deaths - 2));
    this.timer = clock.after(pauseMs, () => this.run(worker.release));
  }
}
