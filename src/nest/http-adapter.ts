import { type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { type RouteRegistrar, wrapRoutes } from '../drainables/exchange/route-seam.js';
import { routesOf } from '../in-flight/allow-during-shutdown.decorator.js';
import { MAY_ASK_READINESS } from '../in-flight/metadata.js';
import { ReadinessHealthIndicator } from '../readiness/readiness.health-indicator.js';
import { DrainError } from '../sequence/errors.js';
import { guardListen, runBeforeClose } from './insides/adapters.js';
import { fastifyBindingsOf, fastifyOf } from './insides/fastify.js';
import { injectedTokensOf } from './insides/injected-tokens.js';
import { controllersOf } from './insides/modules.js';

/** An HTTP adapter of Nest, as far as it is met here. */
interface Adapter extends RouteRegistrar {
  getHttpServer?(): unknown;
  getInstance?(): unknown;
  getType?(): string;
}

/**
 * Meets the HTTP adapter, in `configure()`: late enough for its server to exist, early enough for no route to be
 * registered.
 *
 * @param begin begins, or joins, the shutdown; never rejects
 * @param isProcessEnding reports whether a signal has begun it
 */
export function meetHttpAdapter(
  adapter: object,
  core: DrainCore,
  modules: ModulesContainer,
  begin: () => Promise<void>,
  isProcessEnding: () => boolean,
): void {
  const http = adapter as Adapter;
  markCandidates(modules);
  wrapRoutes(http, {
    handlers: core.handlers,
    healthRoutes: core.healthRoutes,
    readiness: core.readiness,
    countsHandlers: core.options.httpTracking === 'routes',
    discount: () => core.phase === 'running' && core.traffic.discount(),
  });
  core.servers.attach(http.getHttpServer?.());
  attachFastifyBindings(http, core);
  // Once Nest 12 closes, Express answers 503 by itself (`return503OnClosing`): the drain comes first.
  runBeforeClose(adapter, begin);
  guardListen(adapter, () => mayListen(core, isProcessEnding));
}

/** @throws DrainError `DRAIN_LISTEN_AFTER_SHUTDOWN`: Express would serve again after `close()` */
function mayListen(core: DrainCore, isProcessEnding: () => boolean): boolean {
  if (core.phase === 'running') return true;
  // The signal came during bootstrap: an error in main.ts would end the process in the middle of the shutdown.
  if (isProcessEnding()) return false;
  throw new DrainError(
    'DRAIN_LISTEN_AFTER_SHUTDOWN',
    `Expected listen() on an application that runs, got it in phase '${core.phase}'. A closed application does not ` +
      'come back: create a new one.',
  );
}

/** Fastify tells nobody of its further servers but its `onListen` hooks. */
function attachFastifyBindings(adapter: Adapter, core: DrainCore): void {
  const fastify = fastifyOf(adapter);
  fastify?.addHook?.('onListen', (done: () => void) => {
    for (const server of fastifyBindingsOf(fastify)) core.servers.attach(server);
    done();
  });
}

/** Marks the routes of controllers that inject the readiness indicator: one of them may be the probe. */
function markCandidates(modules: ModulesContainer): void {
  for (const { metatype } of controllersOf(modules)) {
    if (typeof metatype !== 'function') continue;
    if (!injectedTokensOf(metatype).includes(ReadinessHealthIndicator)) continue;
    const prototype = metatype.prototype as Record<string, object>;
    for (const name of routesOf(prototype)) Reflect.defineMetadata(MAY_ASK_READINESS, true, prototype[name]!);
  }
}
