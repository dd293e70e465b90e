import { type Deliveries } from './deliveries.js';
import { type Delivery, type OnDelivery, type RawChannel } from './rmq-server.js';

/**
 * One channel of amqplib, from its connection to the loss of it: which consumers Nest has on it, and which deliveries
 * have not been acknowledged.
 */
export class WatchedChannel {
  private readonly consumers: Promise<string | undefined>[] = [];
  private readonly unacknowledged = new Set<number>();
  private isClosed = false;

  constructor(
    private readonly channel: RawChannel,
    private readonly deliveries: Deliveries,
  ) {
    this.watchAcknowledgements();
    channel.once('close', () => this.closed());
  }

  /** Runs what sets the channel up. The consumers that it adds are Nest's own; a handler may add others. */
  async setUp(run: () => unknown): Promise<unknown> {
    const { channel } = this;
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the channel again
    const { consume } = channel;
    channel.consume = (queue, onDelivery, options) => {
      // It was on its way when draining began.
      if (this.deliveries.isStopping) return Promise.resolve({ consumerTag: '' });
      const isAcknowledged = options?.noAck !== true;
      const consuming = consume.call(channel, queue, this.counted(onDelivery, isAcknowledged), options);
      this.consumers.push(
        consuming.then(
          ({ consumerTag }) => consumerTag,
          () => undefined,
        ),
      );
      return consuming;
    };
    try {
      return await run();
    } finally {
      channel.consume = consume;
    }
  }

  /** Resolves when the broker delivers nothing more. What it has delivered until then has been handed on. */
  cancel(): Promise<void> {
    return this.unlessClosed(() => this.cancelConsumers());
  }

  /**
   * Resolves when the broker has taken in what was written on the channel: publications are confirmed one by one;
   * acknowledgements are not, but the answer to whatever follows them comes after them.
   */
  written(): Promise<void> {
    return this.unlessClosed(async () => {
      await this.channel.waitForConfirms?.();
      // To cancel a consumer that is gone has no effect, and an answer.
      await this.cancelConsumers();
    });
  }

  private async cancelConsumers(): Promise<void> {
    await Promise.all(
      this.consumers.map(async (consuming) => {
        const tag = await consuming;
        if (tag !== undefined) await this.channel.cancel(tag);
      }),
    );
  }

  private counted(onDelivery: OnDelivery, isAcknowledged: boolean): OnDelivery {
    const { deliveries, unacknowledged } = this;
    return (delivery) => {
      if (!delivery) return onDelivery(delivery);
      if (!isAcknowledged) return deliveries.handle(() => onDelivery(delivery));
      // It was on its way when the consumer was cancelled: the broker gives it to another one.
      if (deliveries.isStopping) return this.handBack(delivery);
      unacknowledged.add(delivery.fields.deliveryTag);
      deliveries.unacknowledged++;
      return deliveries.handle(() => onDelivery(delivery));
    };
  }

  private handBack(delivery: Delivery): void {
    try {
      this.channel.nack(delivery, false, true);
    } catch {
      // A channel that is closed has handed back everything.
    }
  }

  private watchAcknowledgements(): void {
    const { channel } = this;
    const ack = channel.ack.bind(channel);
    const nack = channel.nack.bind(channel);
    const reject = channel.reject.bind(channel);
    const ackAll = channel.ackAll.bind(channel);
    const nackAll = channel.nackAll.bind(channel);
    channel.ack = (delivery, allUpTo) => {
      ack(delivery, allUpTo);
      this.acknowledged(delivery, allUpTo);
    };
    channel.nack = (delivery, allUpTo, requeue) => {
      nack(delivery, allUpTo, requeue);
      this.acknowledged(delivery, allUpTo);
    };
    channel.reject = (delivery, requeue) => {
      reject(delivery, requeue);
      this.acknowledged(delivery);
    };
    channel.ackAll = () => {
      ackAll();
      this.allAcknowledged();
    };
    channel.nackAll = (requeue) => {
      nackAll(requeue);
      this.allAcknowledged();
    };
  }

  private acknowledged({ fields: { deliveryTag } }: Delivery, allUpTo = false): void {
    const { deliveries, unacknowledged } = this;
    if (!allUpTo) {
      if (unacknowledged.delete(deliveryTag)) deliveries.acknowledged(1);
      return;
    }
    const before = unacknowledged.size;
    // Tags rise, and a set keeps the order in which they came.
    for (const tag of unacknowledged) {
      if (tag > deliveryTag) break;
      unacknowledged.delete(tag);
    }
    deliveries.acknowledged(before - unacknowledged.size);
  }

  private allAcknowledged(): void {
    const { size } = this.unacknowledged;
    this.unacknowledged.clear();
    this.deliveries.acknowledged(size);
  }

  /** The broker delivers anew what was not acknowledged. */
  private closed(): void {
    this.isClosed = true;
    if (this.deliveries.isStopping) this.deliveries.lost += this.unacknowledged.size;
    this.allAcknowledged();
  }

  /** On a channel that is closed nothing is awaited: its consumers are gone, and so is what was written last. */
  private async unlessClosed(act: () => Promise<void>): Promise<void> {
    if (this.isClosed) return;
    try {
      await act();
    } catch (error) {
      if (!this.isClosed) throw error;
    }
  }
}
