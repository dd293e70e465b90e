import { runUntilSettled } from '../../../in-flight/run-until-settled.js';
import { type Clock, type ClockTimer, settledWithin } from '../../../sequence/clock.js';

/** How often kafkajs tells the coordinator, ms, where its `heartbeatInterval` says nothing else. */
const defaultBeatMs = 3_000;
/** The coordinator no longer knows this member: it has been given up, whatever it says. */
const isGivenUp: ReadonlySet<unknown> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']);
/** How long a group that rebalances is waited for, ms: until an idle member of kafkajs has heard of it by default. */
const rejoinMs = 5_000;

/** What kafkajs hands over with a message. */
export interface GroupMessage {
  /** Tells the coordinator that this member lives. @throws where the group rebalances */
  heartbeat?(): Promise<unknown>;
}

/** A member of a consumer group about to leave: it stays one until its messages have ended, and are committed. */
export class GroupMembership {
  private readonly running = new Set<GroupMessage>();
  /** Until the coordinator is told next. */
  private timer?: ClockTimer;
  private isRejoining = false;
  /** The consumer is about to join its group anew. */
  private onRejoin?: () => void;

  constructor(private readonly clock: Clock) {}

  during(message: GroupMessage, run: () => unknown): unknown {
    this.running.add(message);
    return runUntilSettled(run, () => {
      this.running.delete(message);
      if (this.running.size === 0) this.timer?.cancel();
    });
  }

  /**
   * Says while messages run that this member lives. A consumer that stops no longer does, and the group would give
   * their partitions to others after `sessionTimeout`, and refuse their offsets.
   */
  keep(deadline: AbortSignal, beatMs = defaultBeatMs): void {
    let isMember = true;
    const beat = () => {
      const [message] = this.running;
      if (!message || !isMember || deadline.aborted) return;
      // A group that rebalances says so, and still counts this member. kafkajs has committed then what has ended.
      message.heartbeat?.().catch((error: { readonly type?: unknown } | undefined) => {
        isMember = !isGivenUp.has(error?.type);
      });
      next();
    };
    const next = () => {
      this.timer = this.clock.after(beatMs, beat);
      this.timer.unref?.();
    };
    if (this.running.size > 0) next();
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
