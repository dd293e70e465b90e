import { type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { type RouteRegistrar, wrapRoutes } from '../drainables/exchange/route-seam.js';
import { routesOf } from '../in-flight/allow-during-shutdown.decorator.js';
import { MAY_ASK_READINESS } from '../in-flight/metadata.js';
import { ReadinessHealthIndicator } from '../readiness/readiness.health-indicator.js';
import { DrainError } from '../sequence/errors.js';
import { injectedTokensOf } from './insides/injected-tokens.js';

/** An HTTP adapter of Nest, as far as its lifecycle is met here. */
interface Adapter extends RouteRegistrar {
  getHttpServer?(): unknown;
  getInstance?(): unknown;
  getType?(): string;
  beforeClose?: unknown;
  listen?: unknown;
}

type AnyFunction = (...args: unknown[]) => unknown;

/**
 * Meets the HTTP adapter, in `configure()`: late enough for its server to exist, early enough for no route to be registered.
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
  drainBeforeClose(http, begin);
  refuseListenAfterShutdown(http, core, isProcessEnding);
}

/** Nest 12 calls this before everything else, and Express answers 503 from then on (`return503OnClosing`): the drain comes first. */
function drainBeforeClose(adapter: Adapter, begin: () => Promise<void>): void {
  const original = adapter.beforeClose;
  if (typeof original !== 'function') return;
  adapter.beforeClose = async function (this: unknown, ...args: unknown[]): Promise<void> {
    await begin();
    await (original as AnyFunction).apply(this, args);
  };
}

/** Express would serve again after `close()`. */
function refuseListenAfterShutdown(adapter: Adapter, core: DrainCore, isProcessEnding: () => boolean): void {
  const original = adapter.listen;
  if (typeof original !== 'function') return;
  adapter.listen = function (this: unknown, ...args: unknown[]): unknown {
    if (core.phase === 'running') return (original as AnyFunction).apply(this, args);
    // The signal came during bootstrap: an error in main.ts would end the process in the middle of the shutdown.
    if (isProcessEnding()) return undefined;
    throw new DrainError(
      'DRAIN_LISTEN_AFTER_SHUTDOWN',
      `Expected listen() on an application that runs, got it in phase '${core.phase}'. A closed application does not come back: create a new one.`,
    );
  };
}

/** On `localhost` Fastify listens on each address with a server of its own, and tells nobody but its `onListen` hooks. */
function attachFastifyBindings(adapter: Adapter, core: DrainCore): void {
  if (adapter.getType?.() !== 'fastify') return;
  const instance = adapter.getInstance?.() as { addHook?(name: string, hook: (done: () => void) => void): void };
  instance.addHook?.('onListen', (done) => {
    core.servers.attachBindings(instance);
    done();
  });
}

/** Marks the routes of controllers that inject the readiness indicator: one of them may be the probe. */
function markCandidates(modules: ModulesContainer): void {
  for (const module of modules.values()) {
    for (const { metatype } of module.controllers.values()) {
      if (typeof metatype !== 'function') continue;
      if (!injectedTokensOf(metatype).includes(ReadinessHealthIndicator)) continue;
      const prototype = metatype.prototype as Record<string, object>;
      for (const name of routesOf(prototype)) Reflect.defineMetadata(MAY_ASK_READINESS, true, prototype[name]!);
    }
  }
}
