import {
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  experimental,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Order {
  readonly id: string;
  readonly ms: number;
}

export interface Done {
  readonly id: string;
  readonly n: number;
}

type Answered<T> = (error: ServiceError | null, value: T) => void;

export interface OrdersClient {
  create(order: Order, answered: Answered<Done>): unknown;
  follow(order: Order): ClientReadableStream<Done>;
  collect(answered: Answered<Done>): ClientWritableStream<Order>;
  chat(): ClientDuplexStream<Order, Done>;
  rawCollect(answered: Answered<Done>): ClientWritableStream<Order>;
  rawChat(): ClientDuplexStream<Order, Done>;
  endless(order: Order): ClientReadableStream<Done>;
  close(): void;
}

export interface HealthClient {
  check(request: { service: string }, answered: Answered<{ status: string }>): unknown;
  watch(request: { service: string }): ClientReadableStream<{ status: string }>;
  close(): void;
}

const options = { enums: String, defaults: true };
const orders = loadPackageDefinition(
  loadSync(fileURLToPath(new URL('../apps/grpc-calls.proto', import.meta.url)), options),
) as { orders: GrpcObject };
const { protoPath } = createRequire(import.meta.url)('grpc-health-check') as { protoPath: string };
const health = loadPackageDefinition(loadSync(protoPath, options)) as unknown as {
  grpc: { health: { v1: GrpcObject } };
};

/** No two clients share a connection. */
const channel = { 'grpc.use_local_subchannel_pool': 1, 'grpc.initial_reconnect_backoff_ms': 100 };

/** Calls these ports in turn. */
export function ordersClient(...ports: readonly number[]): OrdersClient {
  const target = `ipv4:${ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
  const roundRobin = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });
  return open<OrdersClient>(orders.orders.Orders, target, { 'grpc.service_config': roundRobin });
}

export function healthClient(port: number): HealthClient {
  return open<HealthClient>(health.grpc.health.v1.Health, `ipv4:127.0.0.1:${port}`);
}

/** Where clients are sent whose names resolve late. A client looks again when a connection of its goes away. */
export const directory = new Map<string, number>();

/** Calls the port that stands in the directory under `name`. */
export function lateClient(name: string): OrdersClient {
  return open<OrdersClient>(orders.orders.Orders, `directory:${name}`);
}

function open<Client>(constructor: unknown, target: string, more: object = {}): Client {
  const client = new (constructor as ServiceClientConstructor)(target, credentials.createInsecure(), {
    ...channel,
    ...more,
  });
  return client as unknown as Client;
}

/** It answers after a moment, and not once nobody asks any longer. */
class DirectoryResolver {
  static readonly getDefaultAuthority = () => 'localhost';
  private looking?: NodeJS.Timeout;

  constructor(
    private readonly target: experimental.GrpcUri,
    private readonly listener: experimental.ResolverListener,
  ) {}

  updateResolution(): void {
    this.looking ??= setTimeout(() => {
      this.looking = undefined;
      const port = directory.get(this.target.path)!;
      const endpoints = [{ addresses: [{ host: '127.0.0.1', port }] }];
      this.listener({ ok: true, value: endpoints }, {}, null, '');
    }, 20);
  }

  destroy(): void {
    clearTimeout(this.looking);
    this.looking = undefined;
  }
}
experimental.registerResolver('directory', DirectoryResolver);
