import { nextPoll, whenAborted } from '../../../sequence/clock.js';
import { type Drainable, type Leftover } from '../../../sequence/drainable.js';
import { type MessageWork } from './message-work.js';
import { type Transport } from './transport.js';

/** Drains one transport: takes no further messages, waits for those in progress and for what they have written. */
export class TransportDrainable implements Drainable {
  readonly name: string;
  readonly announce?: (spreadMs: number) => void;
  /** What the transport, or its broker, has yet to do. */
  private awaited?: string;
  /** The first step that failed. The ones after it are taken all the same: messages are still in progress. */
  private failure?: { readonly error: unknown };
  private wasCut = false;

  constructor(
    private readonly transport: Transport,
    private readonly work: MessageWork,
  ) {
    this.name = `${transport.name} transport`;
    if (transport.announce) this.announce = (spreadMs) => transport.announce!(spreadMs);
  }

  async drain(deadline: AbortSignal): Promise<readonly Leftover[]> {
    const { transport, work } = this;
    await this.step(
      () => transport.stopTaking(deadline),
      'had not confirmed that it takes no further messages',
      deadline,
    );
    // Messages that came just before the confirmation have reached their handlers a turn later.
    await nextPoll();
    do {
      await work.idle(deadline);
      // What was not finished in time is named, and there was no time to confirm anything of it.
      if (deadline.aborted) return [];
      await this.step(() => transport.flush?.(deadline), 'had not confirmed what was written', deadline);
    } while (!work.isIdle && !deadline.aborted);
    if (this.failure) throw this.failure.error;
    return deadline.aborted ? [] : (transport.leftovers?.() ?? []);
  }

  async forceClose(): Promise<readonly Leftover[]> {
    this.wasCut = true;
    const { awaited, transport, work } = this;
    const left: Leftover[] = [];
    if (awaited) left.push({ kind: 'transport', name: transport.name, ageMs: 0, detail: awaited });
    const replies = work.repliesOpen;
    if (replies > 0)
      left.push({ kind: 'transport', name: transport.name, ageMs: 0, detail: `${replies} replies unsent` });
    return [...left, ...((await transport.cut?.()) ?? [])];
  }

  /**
   * Nest closes the transport, after the drain.
   *
   * @param close Nest's own `server.close()`
   */
  disconnect(close: () => unknown): unknown {
    const { transport, wasCut } = this;
    return transport.disconnect ? transport.disconnect(close, wasCut) : close();
  }

  /** A broker that does not answer is waited for until the deadline. */
  private async step(take: () => unknown, awaited: string, deadline: AbortSignal): Promise<void> {
    this.awaited = awaited;
    const taken = attempt(take).catch((error: unknown) => void (this.failure ??= { error }));
    await Promise.race([taken, whenAborted(deadline)]);
    if (!deadline.aborted) this.awaited = undefined;
  }
}

async function attempt(take: () => unknown): Promise<void> {
  await take();
}
