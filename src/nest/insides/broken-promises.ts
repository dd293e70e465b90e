import { type ApplicationConfig, type ModulesContainer } from '@nestjs/core';
import { fastifyBindingsAreKept, fastifyOf } from './fastify.js';
import { socketAdaptersAreTold } from './gateways.js';
import { injectIsRecorded } from './injected-tokens.js';
import { modulesHaveDistances } from './modules.js';
import { handlesMessages, transportsAreTold } from './transports.js';

/** What an application is made of, as far as the insides of Nest are met in it. */
export interface Surroundings {
  readonly modules: ModulesContainer;
  /** Absent in an application context. */
  readonly config: ApplicationConfig | undefined;
  /** Absent where there is no HTTP. */
  readonly adapter: object | undefined;
  /** A class that injects by `@Inject()`. */
  readonly injecting: object;
}

/** Something that is relied on without Nest promising it, and what becomes of it when it is missing. */
interface Reliance {
  readonly isMet: (surroundings: Surroundings) => boolean;
  readonly otherwise: string;
}

const reliances: readonly Reliance[] = [
  {
    isMet: ({ modules }) => modulesHaveDistances(modules),
    otherwise:
      'modules have no distance, by which the order of hooks is set. Providers may be destroyed while requests are ' +
      'in flight.',
  },
  {
    isMet: ({ modules }) => transportsAreTold(modules) || !handlesMessages(modules),
    otherwise:
      'the transports of microservices are not told of (they are since @nestjs/core 11.1.4). app.close() of a ' +
      'standalone microservice closes its transport ' +
      'before the drain, and a hybrid application may lose the answer of its last message; SIGTERM drains a ' +
      'standalone one first. Update @nestjs/core.',
  },
  {
    isMet: ({ config }) => config === undefined || socketAdaptersAreTold(config),
    otherwise: 'the WebSocket adapter cannot be met. Clients of gateways are neither told to leave nor waited for.',
  },
  {
    isMet: ({ adapter }) => {
      const fastify = adapter && fastifyOf(adapter);
      return !fastify || fastifyBindingsAreKept(fastify);
    },
    otherwise:
      "Fastify's further servers cannot be found. Listening on localhost, requests to its second address are not " +
      "drained: listen on '::' or '0.0.0.0'.",
  },
  {
    isMet: ({ injecting }) => injectIsRecorded(injecting),
    otherwise:
      'it is not known what controllers inject. Put @AllowDuringShutdown() on health checks, for they are not learnt.',
  },
];

/**
 * Says, in a sentence each, which promises of this package are not kept with the Nest it has been put into, because
 * something undocumented is missing there. Nothing where all is as it should be. Never throws.
 */
export function brokenPromises(surroundings: Surroundings): readonly string[] {
  return reliances
    .filter(({ isMet }) => !holds(() => isMet(surroundings)))
    .map(({ otherwise }) => `With this version of Nest ${otherwise}`);
}

function holds(test: () => boolean): boolean {
  try {
    return test();
  } catch {
    return false;
  }
}
