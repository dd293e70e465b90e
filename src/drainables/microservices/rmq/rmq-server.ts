import { type TransportServer } from '../shared/transport.js';

/** A message as amqplib delivers it. */
export interface Delivery {
  readonly fields: { readonly deliveryTag: number };
}

/** Called with null when the broker has cancelled the consumer. */
export type OnDelivery = (delivery: Delivery | null) => unknown;

/** A channel of amqplib. Handlers are given it as well, by their context, and acknowledge through it. */
export interface RawChannel {
  consume(
    queue: string,
    onDelivery: OnDelivery,
    options?: { readonly noAck?: boolean },
  ): Promise<{ readonly consumerTag: string }>;
  cancel(consumerTag: string): Promise<unknown>;
  ack(delivery: Delivery, allUpTo?: boolean): unknown;
  nack(delivery: Delivery, allUpTo?: boolean, requeue?: boolean): unknown;
  reject(delivery: Delivery, requeue?: boolean): unknown;
  ackAll(): unknown;
  nackAll(requeue?: boolean): unknown;
  /** Resolves when the broker has confirmed everything that was published. A channel without confirms has none. */
  waitForConfirms?(): Promise<unknown>;
  once(event: 'close', listener: () => void): unknown;
}

/** The channel of amqp-connection-manager that replies are sent through. It outlives connections. */
export interface ReplyChannel {
  sendToQueue?(...args: unknown[]): unknown;
}

/** The connections of amqp-connection-manager. */
export interface ConnectionManager {
  close(): Promise<unknown>;
  readonly connection?: { readonly connection?: { readonly stream?: { destroy(): void } } };
}

/** What of `ServerRMQ` the drain relies on: in @nestjs/microservices 11 and 12 alike. */
export interface RmqServer extends TransportServer {
  readonly options?: { readonly prefetchCount?: number };
  readonly queue?: string;
  readonly noAck?: boolean;
  readonly channel?: ReplyChannel | null;
  readonly server?: ConnectionManager | null;
  /** Called with the channel of every connection, the first and those after a loss of it. */
  setupChannel?(channel: RawChannel, isSetUp?: () => void): unknown;
}
