import { type DrainCore } from '../drain-core.js';
import { type ShutdownOutcome } from '../sequence/report.js';

/** So long after draining has begun, and again after that, it is looked for handlers that wait for themselves, ms. */
const lookEveryMs = 500;

/** What has to be known of an application. */
export type AwaitedCore = Pick<DrainCore, 'clock' | 'sequence' | 'tracker'>;

/**
 * A handler that waits for the drain (`await shutdown.shutdown()`), while the drain waits for the handler.
 *
 * When its request is all that is left, the handler is let go, and all else goes on as it should: it answers, and then
 * the drain ends. That is certain where nothing else was in flight when it began to wait. Otherwise what is left may be
 * another request, and the handler one that has only begun the shutdown: then it is warned of, and waits.
 */
export class SelfWait {
  private hasWarned = false;

  constructor(
    private readonly core: AwaitedCore,
    private readonly warn: (message: string) => void,
  ) {}

  /** The outcome of the drain, for a handler. It settles when everything has ended but the handler's own request. */
  drainedBeside(what: string): Promise<ShutdownOutcome> {
    const isAlone = this.core.tracker.size === 1;
    return new Promise((resolve) => {
      void this.core.sequence.drained.then(resolve);
      void this.watch(what, () => isAlone && resolve('drained'));
    });
  }

  /**
   * Looks, while the application drains, whether all that is left is one piece of work that was in flight when this was
   * called; warns, and tells it.
   */
  async watch(what: string, isLeft: () => void = () => undefined): Promise<void> {
    const { clock, sequence, tracker } = this.core;
    const since = clock.now();
    if (!sequence.drainingSignal.aborted) await draining(sequence.drainingSignal);
    let isDrained = false;
    let timer = clock.after(lookEveryMs, look.bind(this));
    void sequence.drained.then(() => {
      isDrained = true;
      timer.cancel();
    });

    function look(this: SelfWait): void {
      if (isDrained) return;
      const [left, ...more] = tracker.leftovers();
      if (left && more.length === 0 && left.ageMs >= Math.floor(clock.now() - since)) {
        this.warnOnce(what, `${left.kind} ${left.name}`);
        return isLeft();
      }
      timer = clock.after(lookEveryMs, look.bind(this));
    }
  }

  private warnOnce(what: string, work: string): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    this.warn(
      `${what} was called in a handler, and all that is left in flight is ${work}. If that is the one that waits, it ` +
        'waits for itself: begin the shutdown without waiting (void shutdown.shutdown()), and answer.',
    );
  }
}

function draining(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
