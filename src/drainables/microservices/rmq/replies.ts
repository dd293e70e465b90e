import { overlay } from '../../shared/overlay.js';
import { Progress } from '../../shared/progress.js';
import { type Deliveries } from './deliveries.js';
import { type ReplyChannel } from './rmq-server.js';

/**
 * The replies of one server: Nest drops the promises of them, which settle when the broker has confirmed. A connection
 * that is lost meanwhile is made anew, and what was not confirmed is sent once more.
 */
export class Replies {
  private readonly watched = new WeakSet<ReplyChannel>();
  private readonly progress = new Progress();
  private open = 0;

  constructor(private readonly deliveries: Deliveries) {}

  /** How many the broker has not confirmed. */
  get unconfirmed(): number {
    return this.open;
  }

  watch(channel: ReplyChannel | null | undefined): void {
    if (!channel?.sendToQueue || this.watched.has(channel)) return;
    this.watched.add(channel);
    overlay<NonNullable<ReplyChannel['sendToQueue']>>(channel, 'sendToQueue', (original) => (...args) => {
      const sent = original.apply(channel, args);
      if (sent instanceof Promise) this.follow(sent);
      return sent;
    });
  }

  /** Resolves when the broker has confirmed all, or at the deadline. */
  confirmed(deadline: AbortSignal): Promise<void> {
    return this.progress.until(() => this.open === 0, deadline);
  }

  private follow(sent: Promise<unknown>): void {
    this.open++;
    sent.then(this.ended, (error: unknown) => {
      this.ended();
      // The report names those that nobody has confirmed. Before, a rejection is as it would be without the drain.
      if (!this.deliveries.isStopping) throw error;
    });
  }

  private readonly ended = (): void => {
    this.open--;
    this.progress.made();
  };
}
