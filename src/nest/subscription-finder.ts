import { type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { type FastifyInstance, fastifyOf, fastifyWebSocketServerOf } from './insides/fastify.js';
import { providersOf } from './insides/modules.js';
import { subscriptionServersOf } from './insides/subscriptions.js';

/**
 * Finds the servers of WebSockets that carry GraphQL subscriptions, and puts them under drain: their clients get the
 * close frame of gateways. `graphql-ws` clients come back by themselves after it.
 *
 * Operations on such a socket are not counted: those that have not ended by then end with it. Queries and mutations
 * over HTTP are requests like all others.
 */
export class SubscriptionFinder {
  private readonly instances = new Set<FastifyInstance>();

  constructor(
    private readonly core: DrainCore,
    private readonly modules: ModulesContainer,
  ) {}

  /** Fastify gives each plugin an instance of its own, and tells of it only while it is made. */
  meetHttp(adapter: object): void {
    const root = fastifyOf(adapter);
    if (!root) return;
    this.instances.add(root);
    root.addHook?.('onRegister', (instance: FastifyInstance) => void this.instances.add(instance));
    root.addHook?.('onReady', (done: () => void) => {
      this.look();
      done();
    });
  }

  look(): void {
    const { webSockets } = this.core;
    for (const instance of this.instances) webSockets.attach(fastifyWebSocketServerOf(instance));
    for (const provider of providersOf(this.modules)) {
      for (const server of subscriptionServersOf(provider)) webSockets.attach(server);
    }
  }
}
