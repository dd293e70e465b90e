import { type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { isObject } from '../drainables/websockets/client-work.js';

/** An instance of Fastify, as far as it is met here. */
interface FastifyInstance {
  addHook?(name: string, hook: (...args: never[]) => void): unknown;
  /** Where `@fastify/websocket`, and with it Mercurius, keeps its server; of whichever plugin registered it. */
  readonly websocketServer?: unknown;
}

/** Where the Apollo driver of `@nestjs/graphql` keeps what serves its subscriptions. */
const subscriptionService = '_subscriptionService';

/**
 * Finds the servers of WebSockets that carry GraphQL subscriptions, and puts them under drain: their clients get the close frame of gateways. `graphql-ws` clients come back by themselves
 * after it.
 *
 * Operations on such a socket are not counted: those that have not ended by then end with it. Queries and mutations over HTTP are requests like all others.
 */
export class SubscriptionFinder {
  private readonly instances = new Set<FastifyInstance>();

  constructor(
    private readonly core: DrainCore,
    private readonly modules: ModulesContainer,
  ) {}

  /** Fastify gives each plugin an instance of its own, and tells of it only while it is made. */
  meetHttp(adapter: { getType?(): string; getInstance?(): unknown }): void {
    if (adapter.getType?.() !== 'fastify') return;
    const root = adapter.getInstance?.() as FastifyInstance;
    this.instances.add(root);
    root.addHook?.('onRegister', (instance: FastifyInstance) => void this.instances.add(instance));
    root.addHook?.('onReady', (done: () => void) => {
      this.look();
      done();
    });
  }

  look(): void {
    const { webSockets } = this.core;
    for (const { websocketServer } of this.instances) webSockets.attach(websocketServer);
    for (const module of this.modules.values()) {
      for (const { instance } of module.providers.values() as Iterable<{ instance?: unknown }>) {
        const service: unknown =
          isObject(instance) && Object.getOwnPropertyDescriptor(instance, subscriptionService)?.value;
        if (isObject(service)) for (const each of Object.values(service)) webSockets.attach(each);
      }
    }
  }
}
