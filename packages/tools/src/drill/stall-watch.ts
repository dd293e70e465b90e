import { type Stall } from './record.js';

const periodMs = 20;
/** Timers are this late on any machine that does something else as well. */
const leastMs = 50;

/** Notices when this process itself comes late to its work: what it measures then is its own. */
export class StallWatch {
  readonly stalls: Stall[] = [];
  private timer?: NodeJS.Timeout;

  start(): void {
    let dueAt = performance.now() + periodMs;
    this.timer = setInterval(() => {
      const now = performance.now();
      if (now - dueAt > leastMs) this.stalls.push({ from: dueAt, to: now });
      dueAt = now + periodMs;
    }, periodMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
