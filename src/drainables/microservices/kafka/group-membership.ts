import { runUntilSettled } from '../../../in-flight/run-until-settled.js';
import { type Clock, settledWithin } from '../../../sequence/clock.js';

/** How often the coordinator may be told, ms. Of several within its `heartbeatInterval` kafkajs sends the first. */
const beatMs = 1_000;
/** How long a group that rebalances is waited for, ms: until an idle member of kafkajs has heard of it by default. */
const rejoinMs = 5_000;

/** What kafkajs hands over with a message. */
export interface GroupMessage {
  /** Tells the coordinator that this member lives. @throws where the group rebalances */
  heartbeat?(): Promise<unknown>;
}

/** A member of a consumer group that is about to leave: it stays one until its messages have ended and are committed. */
export class GroupMembership {
  private readonly running = new Set<GroupMessage>();
  private isRejoining = false;
  /** The consumer is about to join its group anew. */
  private onRejoin?: () => void;

  constructor(private readonly clock: Clock) {}

  during(message: GroupMessage, run: () => unknown): unknown {
    this.running.add(message);
    return runUntilSettled(run, () => void this.running.delete(message));
  }

  /**
   * Says while messages run that this member lives. A consumer that stops no longer does, and the group would give their
   * partitions to others after `sessionTimeout`, and refuse their offsets.
   */
  keep(deadline: AbortSignal): void {
    const beat = () => {
      if (deadline.aborted) return;
      const [message] = this.running;
      if (!message) return;
      // A group that rebalances says so. kafkajs has committed then what has ended.
      message.heartbeat?.().catch(() => undefined);
      next();
    };
    const next = () => this.clock.after(beatMs, beat).unref?.();
    next();
  }

  /** The group rebalances. All messages have ended, and kafkajs has committed them, before it joins anew. */
  rejoins(): void {
    this.isRejoining = true;
    this.onRejoin?.();
  }

  joined(): void {
    this.isRejoining = false;
  }

  /**
   * Resolves when the consumer has stopped. A consumer that finds its group rebalancing waits until all others have
   * joined, only to leave then: that is waited for a while, and not for as long as the slowest of their handlers takes.
   */
  async ended(stopped: Promise<unknown>, deadline: AbortSignal): Promise<void> {
    const rejoins = new Promise<void>((resolve) => {
      this.onRejoin = resolve;
      if (this.isRejoining) resolve();
    });
    await Promise.race([stopped, rejoins.then(() => settledWithin(this.clock, stopped, rejoinMs, deadline))]);
  }
}
