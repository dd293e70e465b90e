import { nextPoll, settledWithin } from '../../../sequence/clock.js';
import { type Leftover } from '../../../sequence/drainable.js';
import { overlay } from '../../shared/overlay.js';
import { closeWithin } from '../shared/close-within.js';
import { type Transport, type TransportContext, type TransportServer } from '../shared/transport.js';
import { Deliveries } from './deliveries.js';
import { Replies } from './replies.js';
import { type RmqServer } from './rmq-server.js';
import { WatchedChannel } from './watched-channel.js';

/** Nest's number for RabbitMQ, `Transport.RMQ`. */
const rmq = 5;

/**
 * How long acknowledgements are waited for when all handlers have ended and none has come, ms. One that never comes is
 * that of a handler that has failed, as a rule: the message is delivered anew.
 */
const acknowledgementMs = 1_000;

/** RabbitMQ: its consumers are cancelled, and the channel stays for replies and acknowledgements. */
export function rmqTransport(server: TransportServer, { clock }: TransportContext): Transport | undefined {
  return server.transportId === rmq ? new RmqTransport(server, clock) : undefined;
}

class RmqTransport implements Transport {
  readonly name: string;
  readonly warnings: readonly string[];
  private readonly deliveries = new Deliveries();
  private readonly replies = new Replies(this.deliveries);
  /** That of the connection of now. */
  private channel?: WatchedChannel;
  private hasNamed = false;

  constructor(
    private readonly server: RmqServer,
    private readonly clock: TransportContext['clock'],
  ) {
    this.name = server.queue ? `RabbitMQ (${server.queue})` : 'RabbitMQ';
    this.warnings = warningsOf(this.name, server);
    this.watchChannels();
  }

  async stopTaking(): Promise<void> {
    this.deliveries.isStopping = true;
    await this.channel?.cancel();
  }

  async flush(deadline: AbortSignal): Promise<void> {
    await this.acknowledged(deadline);
    await this.replies.confirmed(deadline);
    await this.channel?.written();
  }

  leftovers(): readonly Leftover[] {
    if (this.hasNamed) return [];
    this.hasNamed = true;
    const { lost, unacknowledged } = this.deliveries;
    const { unconfirmed } = this.replies;
    const left: string[] = [];
    if (lost > 0)
      left.push(`The connection was lost when ${counted(lost, 'message')} had not been acknowledged: delivered anew`);
    if (unacknowledged > 0) left.push(`${counted(unacknowledged, 'message')} not acknowledged: handed back`);
    if (unconfirmed > 0) left.push(`${counted(unconfirmed, 'reply')} not confirmed by the broker`);
    return left.map((detail) => ({ kind: 'transport', name: this.name, ageMs: 0, detail }));
  }

  cut(): readonly Leftover[] {
    return this.leftovers();
  }

  disconnect(close: () => unknown, wasCut: boolean): Promise<void> {
    return closeWithin(this.clock, wasCut, close, () => this.abandon());
  }

  private watchChannels(): void {
    const { server, deliveries, replies } = this;
    overlay<NonNullable<RmqServer['setupChannel']>>(server, 'setupChannel', (original) => (channel, isSetUp) => {
      replies.watch(server.channel);
      // The connection has been lost while draining: it is there again for replies, and nothing is consumed.
      if (deliveries.isStopping) return Promise.resolve(isSetUp?.());
      this.channel = new WatchedChannel(channel, deliveries);
      return this.channel.setUp(() => original.call(server, channel, isSetUp));
    });
  }

  /** A handler may acknowledge when its promise has settled, or leave it to a batch. */
  private async acknowledged(deadline: AbortSignal): Promise<void> {
    const { deliveries, clock } = this;
    for (let before = Infinity; deliveries.unacknowledged < before && !deadline.aborted;) {
      before = deliveries.unacknowledged;
      if (before === 0) return;
      const fewer = deliveries.progress.until(() => deliveries.unacknowledged < before, deadline);
      await settledWithin(clock, fewer, acknowledgementMs, deadline);
    }
  }

  /** The broker does not answer: neither is it asked again, nor does the socket keep the process alive. */
  private async abandon(): Promise<void> {
    const { server: manager } = this.server;
    if (!manager) return;
    const stream = manager.connection?.connection?.stream;
    manager.close().catch(() => undefined);
    await nextPoll();
    stream?.destroy();
  }
}

function counted(count: number, what: 'message' | 'reply'): string {
  if (count === 1) return `1 ${what}`;
  return `${count} ${what === 'message' ? 'messages' : 'replies'}`;
}

function warningsOf(name: string, { noAck, options }: RmqServer): readonly string[] {
  if (noAck !== false) {
    return [
      `${name}: noAck is true, as by default. The broker delivers all that it has at once, whatever prefetchCount ` +
        'says: everything delivered when a shutdown begins is finished in the drain, and a crash loses it. ' +
        'With noAck: false and a prefetchCount the broker keeps it.',
    ];
  }
  if (options?.prefetchCount) return [];
  return [
    `${name}: expected a prefetchCount, found none. The broker delivers all that it has at once: everything delivered ` +
      'when a shutdown begins is running, and must be finished in the drain. Set prefetchCount to what one replica ' +
      'handles within drainTimeoutMs.',
  ];
}
