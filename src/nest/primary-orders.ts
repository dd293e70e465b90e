import { type EventEmitter } from 'node:events';
import { type Clock, type ClockTimer, systemClock } from '../sequence/clock.js';
import { type ProcessHost } from './process-host.js';
import { areShutdownHooksEnabled } from './signals.js';

/** An application may close itself when it is asked to: so long it has to begin, ms. */
const ownCloseMs = 50;

/** The worker of `node:cluster` that this process is, as far as it meets us. */
export interface ClusterWorker {
  /** Node sets it when the worker is taken out. */
  exitedAfterDisconnect?: boolean;
}

/** Whom the orders are passed on to. */
export interface Ordered {
  /** Reports whether an application runs whose shutdown has not begun. */
  readonly isAnyRunning: boolean;
  /** The primary process takes this one out, and `node:cluster` is about to close its servers. */
  takenOut(): void;
  /** As if `signal` had come. */
  asked(signal: NodeJS.Signals): void;
}

/** A channel to the parent keeps the event loop alive while it counts somebody who listens for messages. */
interface Channel {
  refCounted?(): void;
  unrefCounted?(): void;
}

/**
 * What a process is told by other means than a signal: `worker.disconnect()` by the primary process of `node:cluster`,
 * and the message `shutdown` by PM2, with its `shutdown_with_message`. Each is taken for the signal that Nest's
 * shutdown hooks wait for, and for nothing where they are not enabled.
 */
export class PrimaryOrders {
  private timer?: ClockTimer;
  /** What `exitedAfterDisconnect` was before a shutdown began. */
  private wasTakenOut?: boolean;

  /**
   * @param worker undefined where there is no primary process
   * @param isPm2 PM2 has a channel to this process, in cluster mode and in fork mode
   */
  constructor(
    private readonly host: ProcessHost,
    private readonly ordered: Ordered,
    private readonly worker: ClusterWorker | undefined,
    private readonly isPm2: boolean,
    private readonly clock: Clock = systemClock,
  ) {}

  start(): void {
    // Node's own listener closes the servers: this one comes before it.
    if (this.worker) this.emitter.prependListener('internalMessage', this.internal);
    if (!this.isPm2) return;
    this.emitter.on('message', this.message);
    // A process in fork mode may end by itself, and this listener does not keep it from that.
    this.channel?.unrefCounted?.();
  }

  stop(): void {
    this.timer?.cancel();
    this.emitter.off('internalMessage', this.internal);
    if (!this.emitter.listeners('message').includes(this.message)) return;
    // Node counts it out once more when it goes.
    this.channel?.refCounted?.();
    this.emitter.off('message', this.message);
  }

  /**
   * A shutdown has begun. When a terminal or systemd signals a whole group, a primary process that is not prepared for
   * it dies first, and Node ends its workers at once, with what they have in hand: unless they have been taken out.
   */
  shutdownBegan(): void {
    if (!this.worker) return;
    this.wasTakenOut ??= this.worker.exitedAfterDisconnect ?? false;
    this.worker.exitedAfterDisconnect = true;
  }

  /** The shutdowns are over, and another application runs on: it ends with its primary process, as any worker does. */
  runsOn(): void {
    if (this.worker && this.wasTakenOut !== undefined) this.worker.exitedAfterDisconnect = this.wasTakenOut;
    this.wasTakenOut = undefined;
  }

  /** @see https://nodejs.org/api/child_process.html#subprocesssendmessage-sendhandle-options-callback */
  private readonly internal = (message: unknown): void => {
    const { cmd, act } = (message ?? {}) as { readonly cmd?: unknown; readonly act?: unknown };
    if (cmd !== 'NODE_CLUSTER' || act !== 'disconnect') return;
    this.wasTakenOut = true;
    const signal = this.enabled('SIGTERM', 'SIGINT');
    if (!signal) return;
    this.ordered.takenOut();
    // A shutdown that has begun is not forced by this.
    if (this.ordered.isAnyRunning) this.end(signal);
  };

  private readonly message = (message: unknown): void => {
    if (message === 'shutdown') this.end(this.enabled('SIGINT', 'SIGTERM') ?? 'SIGINT');
  };

  private enabled(...signals: NodeJS.Signals[]): NodeJS.Signals | undefined {
    return signals.find((each) => areShutdownHooksEnabled(each, this.host));
  }

  private end(signal: NodeJS.Signals): void {
    this.ordered.asked(signal);
    if (!areShutdownHooksEnabled(signal, this.host)) return;
    this.timer?.cancel();
    this.timer = this.clock.after(ownCloseMs, () => {
      if (this.ordered.isAnyRunning) this.host.kill(this.host.pid, signal);
    });
  }

  private get channel(): Channel | null | undefined {
    return (this.host as { readonly channel?: Channel | null }).channel;
  }

  private get emitter(): EventEmitter {
    return this.host as unknown as EventEmitter;
  }
}
