import { whenAborted } from '../../../sequence/clock.js';
import { type Drainable, type Leftover } from '../../../sequence/drainable.js';
import { type MessageWork } from './message-work.js';
import { type Transport } from './transport.js';

/** Drains one transport: takes no further messages, waits for those in progress and for what they have written. */
export class TransportDrainable implements Drainable {
  readonly name: string;
  readonly announce?: (spreadMs: number) => void;
  /** What the transport, or its broker, has yet to do. */
  private awaited?: string;

  constructor(
    private readonly transport: Transport,
    private readonly work: MessageWork,
  ) {
    this.name = `${transport.name} transport`;
    if (transport.announce) this.announce = (spreadMs) => transport.announce!(spreadMs);
  }

  async drain(deadline: AbortSignal): Promise<void> {
    const { transport, work } = this;
    await this.step(
      () => transport.stopTaking(deadline),
      'had not confirmed that it takes no further messages',
      deadline,
    );
    do {
      await work.idle(deadline);
      // What was written is no question then: leases name what has not ended.
      if (deadline.aborted) return;
      await this.step(() => transport.flush?.(deadline), 'had not confirmed what was written', deadline);
    } while (!work.isIdle);
  }

  async forceClose(): Promise<readonly Leftover[]> {
    const { awaited, transport, work } = this;
    const left: Leftover[] = [];
    if (awaited) left.push({ kind: 'transport', name: transport.name, ageMs: 0, detail: awaited });
    const replies = work.repliesOpen;
    if (replies > 0)
      left.push({ kind: 'transport', name: transport.name, ageMs: 0, detail: `${replies} replies unsent` });
    return [...left, ...((await transport.cut?.()) ?? [])];
  }

  async close(deadline: AbortSignal): Promise<void> {
    await this.transport.close?.(deadline);
  }

  /** A broker that does not answer is waited for until the deadline. */
  private async step(take: () => unknown, awaited: string, deadline: AbortSignal): Promise<void> {
    this.awaited = awaited;
    const taken = Promise.resolve(take());
    await Promise.race([taken, whenAborted(deadline)]);
    if (!deadline.aborted) this.awaited = undefined;
    // What comes of it later is nobody's.
    else taken.catch(() => undefined);
  }
}
