import {
  type Delivery,
  type OnDelivery,
  type RawChannel,
  type RmqServer,
} from '../../../../../src/drainables/microservices/rmq/rmq-server.js';

/** A channel of amqplib, with the broker behind it: what was written is noted, and answered when the test wants. */
export class FakeChannel implements RawChannel {
  readonly written: string[] = [];
  readonly consumers = new Map<string, OnDelivery>();
  isAnswering = true;
  private isClosed = false;
  private readonly closers: (() => void)[] = [];
  private unanswered: { resolve: () => void; reject: (error: Error) => void }[] = [];
  private tags = 0;

  async consume(queue: string, onDelivery: OnDelivery): Promise<{ consumerTag: string }> {
    const consumerTag = `tag-${this.consumers.size + 1}`;
    await this.write(`consume ${queue}`);
    this.consumers.set(consumerTag, onDelivery);
    return { consumerTag };
  }

  cancel(consumerTag: string): Promise<void> {
    return this.write(`cancel ${consumerTag}`);
  }

  ack(delivery: Delivery, allUpTo = false): void {
    this.note(`ack ${delivery.fields.deliveryTag}${allUpTo ? ' and before' : ''}`);
  }

  nack(delivery: Delivery, _allUpTo?: boolean, requeue?: boolean): void {
    this.note(`nack ${delivery.fields.deliveryTag}${requeue ? ' requeue' : ''}`);
  }

  reject(delivery: Delivery): void {
    this.note(`reject ${delivery.fields.deliveryTag}`);
  }

  ackAll(): void {
    this.note('ack all');
  }

  nackAll(): void {
    this.note('nack all');
  }

  waitForConfirms(): Promise<void> {
    return this.write('wait for confirms');
  }

  once(_event: 'close', listener: () => void): void {
    this.closers.push(listener);
  }

  /** The broker delivers a message to the first consumer. */
  deliver(): Delivery {
    const delivery = { fields: { deliveryTag: ++this.tags } };
    void this.consumers.get('tag-1')!(delivery);
    return delivery;
  }

  answer(): void {
    this.isAnswering = true;
    for (const { resolve } of this.unanswered.splice(0)) resolve();
  }

  close(): void {
    this.isClosed = true;
    for (const { reject } of this.unanswered.splice(0)) reject(new Error('Channel ended'));
    for (const listener of this.closers) listener();
  }

  private note(what: string): void {
    if (this.isClosed) throw new Error('Channel closed');
    this.written.push(what);
  }

  private write(what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.note(what);
      if (this.isAnswering) resolve();
      else this.unanswered.push({ resolve, reject });
    });
  }
}

/** What `ServerRMQ` of Nest does with its channel, and nothing else. */
export class FakeRmqServer implements RmqServer {
  readonly transportId = 5;
  readonly queue = 'orders';
  options: { readonly prefetchCount?: number } = { prefetchCount: 10 };
  /** What it was given, and what ends the handling of each. */
  readonly handled: Delivery[] = [];
  readonly ends: (() => void)[] = [];
  /** Replies are sent, and confirmed one by one. */
  readonly confirms: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  readonly channel = {
    sendToQueue: () => new Promise((resolve, reject) => this.confirms.push({ resolve, reject })),
  };
  /** How often it was told that the broker has cancelled its consumer. */
  cancelled = 0;
  isClosed = false;
  closeManager: () => Promise<unknown> = () => Promise.resolve();
  isStreamDestroyed = false;
  readonly server = {
    close: () => this.closeManager(),
    connection: { connection: { stream: { destroy: () => void (this.isStreamDestroyed = true) } } },
  };
  /** It waits until then before it consumes. */
  asserted: Promise<unknown> = Promise.resolve();

  /** How often it has declared its queue, and all that belongs to it. */
  declared = 0;

  constructor(public noAck: boolean) {}

  async setupChannel(channel: RawChannel, isSetUp?: () => void): Promise<void> {
    this.declared++;
    await this.asserted;
    void channel.consume(this.queue, (delivery) => (delivery ? this.handleMessage(delivery) : void this.cancelled++), {
      noAck: this.noAck,
    });
    isSetUp?.();
  }

  handleMessage(delivery: Delivery): Promise<void> {
    this.handled.push(delivery);
    return new Promise((resolve) => this.ends.push(resolve));
  }
}
