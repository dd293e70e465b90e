import { type MessageSpec } from './messages.js';

/**
 * What is spoken over HTTP, as URLs have it; `h2c` is HTTP/2 without TLS, `sse` event streams.
 *
 * @publicApi
 */
export const protocols = ['http', 'https', 'h2c', 'h2', 'ws', 'wss', 'sse', 'sse+https'] as const;

/**
 * One of `protocols`.
 *
 * @publicApi
 */
export type Protocol = (typeof protocols)[number];

/**
 * How messages get to a microservice, or jobs to a worker.
 *
 * @publicApi
 */
export const messageTransports = ['tcp', 'grpc', 'nats', 'rabbitmq', 'mqtt', 'redis', 'bullmq'] as const;

/**
 * One of `messageTransports`.
 *
 * @publicApi
 */
export type MessageTransport = (typeof messageTransports)[number];

/**
 * Messages instead of HTTP requests.
 *
 * @publicApi
 */
export interface DrillMessages {
  /** TCP and gRPC go through the balancer, all others through their broker. */
  readonly transport: MessageTransport;
  /** The pattern of the handler, the method of gRPC, or the name of a job; JSON for a pattern that is an object. */
  readonly pattern: string;
  /** The payload, as JSON; `{{id}}` is the id of the message. @default '{"id":"{{id}}"}' */
  readonly data?: string;
  /** It is an event: nobody answers, and the ledger alone tells what became of it. @default false */
  readonly isEvent?: boolean;
  /** The right answer, as JSON. @default any */
  readonly answer?: string;
  /** How many values an answer has. @default 1 */
  readonly values?: number;
  /** The URL of the broker, or of Redis. */
  readonly broker?: string;
  /** The queue of RabbitMQ, or of BullMQ. */
  readonly queue?: string;
  /** gRPC: the file, and the service in it with its package. */
  readonly proto?: string;
  /** gRPC: `orders.Orders`. */
  readonly service?: string;
  /** A ledger that the application keeps: a path or a URL. @default a file of each replica, in `DRILL_LEDGER` */
  readonly ledger?: string;
}

/** The requests as a result names them. */
export function messageSpecOf({ pattern, data, isEvent = false, answer, values }: DrillMessages): MessageSpec {
  return { name: pattern, data: data ?? '{"id":"{{id}}"}', isEvent, answer, values };
}

/** Reports whether it is a `Protocol`, and no transport of messages. */
export function isHttp(protocol: string): boolean {
  return (protocols as readonly string[]).includes(protocol);
}

/** Reports whether it is spoken over TLS. */
export function isTls(protocol: Protocol): boolean {
  return protocol === 'https' || protocol === 'h2' || protocol === 'wss' || protocol === 'sse+https';
}
