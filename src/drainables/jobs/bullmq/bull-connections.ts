import { type Clock, settledWithin } from '../../../sequence/clock.js';
import { overlay } from '../../shared/overlay.js';

/** How long a connection is given to close once the drain is over, ms. A Redis answers in one round trip. */
const closeMs = 500;
/** The same for all connections together, where the drain was cut. */
const lateCloseMs = 50;
/** What each is given in any case: others of the application may have taken the time of all, ms. */
const leastMs = 10;

/** A queue, a flow producer or a worker of BullMQ, as far as it is met here. All of it is public. */
export interface BullConnection {
  close(...args: unknown[]): Promise<unknown>;
  /** Ends the connection at once. */
  disconnect?(): unknown;
}

/** Where the shutdown is. */
export interface ClosingState {
  /** Reports whether the drain is over: before that a worker that closes waits for its jobs. */
  isOver(): boolean;
  /** Reports whether it was cut. */
  isLate(): boolean;
}

/** Whose each is: one that several applications share is the last one's, and keeps none of them alive. */
const owners = new WeakMap<BullConnection, WeakRef<BullConnections>>();

/**
 * Keeps the end of an application from waiting for a Redis that is gone: Nest closes queues and workers when the drain
 * is over, and they wait for its answer, or for it to come back, without an end.
 */
export class BullConnections {
  private lateUntil?: number;

  constructor(
    private readonly clock: Clock,
    private readonly state: ClosingState,
  ) {}

  meet(connection: BullConnection): void {
    const isMet = owners.has(connection);
    owners.set(connection, new WeakRef(this));
    if (isMet) return;
    // It hangs as `close()` does where Redis does not answer.
    const letGo = () => void Promise.resolve(connection.disconnect?.()).catch(() => undefined);
    bound(connection, 'close', letGo);
    bound(connection, 'disconnect', () => undefined);
  }

  /** Reports whether it has ended, or is to be waited for as long as it takes. */
  async isWorthWaiting(ended: Promise<unknown>): Promise<boolean> {
    return !this.state.isOver() || settledWithin(this.clock, ended, this.allowanceMs());
  }

  private allowanceMs(): number {
    if (!this.state.isLate()) return closeMs;
    const now = this.clock.now();
    this.lateUntil ??= now + lateCloseMs;
    return Math.max(leastMs, this.lateUntil - now);
  }
}

function bound(connection: BullConnection, method: string, letGo: () => void): void {
  type Method = (...args: unknown[]) => Promise<unknown>;
  overlay<Method>(connection, method, (original) => async (...args) => {
    const ended = Promise.resolve(original.apply(connection, args));
    const owner = owners.get(connection)?.deref();
    if (!owner || (await owner.isWorthWaiting(ended))) return ended;
    letGo();
    return undefined;
  });
}
