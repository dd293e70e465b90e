import { type Clock } from '../sequence/clock.js';
import { type Release } from './release.js';
import { type Slot } from './slot.js';
import { unlessAborted, whyNotProved, whyNotReady } from './trial.js';
import { type StartWorker, type Worker } from './worker.js';

export interface RollSettings {
  readonly readyWithinMs: number;
  readonly probationMs: number;
}

/** What is rolled. */
interface Rolled {
  readonly clock: Clock;
  /** Others may be added, and taken away, in the meantime. */
  readonly slots: readonly Slot[];
  readonly start: StartWorker;
  readonly stopping: AbortSignal;
}

/** Why nothing is replaced any more. */
export const groupIsStopping = 'the group is stopping';

/** One reload: it fills one place after the other, and gives back what it has filled when it fails. */
export class Roll {
  private readonly filled = new Map<Slot, Worker>();

  constructor(
    private readonly settings: RollSettings,
    private readonly rolled: Rolled,
  ) {}

  /** Resolves with why the new version does not serve, if it does not. Never rejects. */
  async run(release: Release, old: Release): Promise<string | undefined> {
    const { slots } = this.rolled;
    for (let index = 0; index < slots.length; index++) {
      const failure = await this.replace(slots[index]!, release);
      if (failure === undefined) continue;
      await this.giveBack(old);
      return failure;
    }
    return undefined;
  }

  /** Resolves with why the place was not filled, if it was not. */
  private async replace(slot: Slot, release: Release): Promise<string | undefined> {
    const { filled } = this;
    if (this.rolled.stopping.aborted) return groupIsStopping;
    const candidate = this.rolled.start(release, slot.place);
    let why = await this.whyNotReady(candidate);
    // The first is on trial for all.
    if (why === undefined && filled.size === 0) {
      const proved = whyNotProved(candidate, this.rolled.clock, this.settings.probationMs);
      why = await unlessAborted(this.rolled.stopping, proved, groupIsStopping);
    }
    why ??= [...filled.values()].some(({ phase }) => phase === 'gone') ? 'one of its workers has ended' : undefined;
    if (why !== undefined) {
      // It may hold what others wait for, and gets the time to give it back.
      candidate.retire('rolled');
      return `worker ${slot.place}: ${why}`;
    }
    if (this.isWanted(slot)) {
      filled.set(slot, candidate);
      await slot.adopt(candidate);
      if (candidate.phase === 'gone') return `worker ${slot.place}: it ended before clients reached it`;
    } else {
      candidate.retire('rolled');
    }
    return undefined;
  }

  /** The old version was good: it needs no trial. */
  private async giveBack(release: Release): Promise<void> {
    for (const slot of this.filled.keys()) {
      if (!this.isWanted(slot)) continue;
      const worker = this.rolled.start(release, slot.place);
      const why = await this.whyNotReady(worker);
      if (why !== undefined) worker.kill(why);
      if (!this.isWanted(slot)) worker.retire('rolled');
      else if (why === undefined) await slot.adopt(worker);
      else slot.runInstead(release);
    }
  }

  private whyNotReady(worker: Worker): Promise<string | undefined> {
    const ready = whyNotReady(worker, this.rolled.clock, this.settings.readyWithinMs);
    return unlessAborted(this.rolled.stopping, ready, groupIsStopping);
  }

  /** The place may have been given up in the meantime. */
  private isWanted(slot: Slot): boolean {
    return this.rolled.slots.includes(slot) && !this.rolled.stopping.aborted;
  }
}
