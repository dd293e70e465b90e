import { type FSWatcher, realpathSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Clock, type ClockTimer } from '../sequence/clock.js';

/** A deployment may replace a link in two steps: it has rested so long before it is followed, ms. */
const restMs = 200;

/** Calls `moved` whenever a link points elsewhere. */
export class ReleaseWatch {
  private readonly watcher: FSWatcher;
  private timer?: ClockTimer;
  private target: string | undefined;

  /** @throws Error when there is no such folder */
  constructor(
    private readonly link: string,
    private readonly clock: Clock,
    private readonly moved: () => void,
  ) {
    this.target = this.read();
    this.watcher = watch(dirname(link), (_, name) => {
      if (name === null || name === basename(link)) this.look();
    });
  }

  close(): void {
    this.timer?.cancel();
    this.watcher.close();
  }

  private look(): void {
    this.timer?.cancel();
    this.timer = this.clock.after(restMs, () => {
      const target = this.read();
      if (target === undefined || target === this.target) return;
      this.target = target;
      this.moved();
    });
  }

  private read(): string | undefined {
    try {
      return realpathSync(this.link);
    } catch {
      return undefined;
    }
  }
}
