import { type ModulesContainer } from '@nestjs/core';
import { type TransportServer } from '../../drainables/microservices/shared/transport.js';
import { messagePatterns } from '../../in-flight/allow-during-shutdown.decorator.js';
import { ALLOW_DURING_SHUTDOWN } from '../../in-flight/metadata.js';
import { methodsOf } from '../../in-flight/methods-of.js';
import { loadedModules, watchEarlyTransports } from './early-transports.js';
import { controllersOf } from './modules.js';

interface Registry {
  getRpcTargetRegistry?<T>(): { subscribe(next: (target: T) => void): { unsubscribe(): void } };
}

/**
 * Calls `meet` with the server of every transport, those that are connected already and those that will be. A server
 * of gRPC, of a custom strategy, or of a hybrid application is one as well.
 *
 * Relies on `ModulesContainer.getRpcTargetRegistry()` (since @nestjs/core 11.1.4). No earlier version tells modules of
 * the transports: see `watchEarlyTransports()`. Where that cannot help either, `app.close()` of a standalone
 * microservice closes the transport before the drain, which a signal does not, and in a hybrid application the answer
 * of a message that ends last may be lost.
 *
 * @returns a function that ends it
 */
export function watchTransports(modules: ModulesContainer, meet: (server: TransportServer) => void): () => void {
  const registry = (modules as Registry).getRpcTargetRegistry?.<TransportServer>();
  if (registry) {
    const subscription = registry.subscribe(meet);
    return () => subscription.unsubscribe();
  }
  watchEarlyTransports(modules, meet);
  return () => watchEarlyTransports(modules);
}

/** Reports whether `watchTransports` has any effect. */
export function transportsAreTold(modules: ModulesContainer): boolean {
  return typeof (modules as Registry).getRpcTargetRegistry === 'function' || loadedModules().length > 0;
}

/**
 * Reports whether some controller handles messages of a microservice.
 *
 * Relies on the metadata `microservices:pattern` of its methods (since @nestjs/microservices 7). Where it is missing,
 * nothing is said of a missing registry of transports.
 */
export function handlesMessages(modules: ModulesContainer): boolean {
  for (const _ of messageHandlersOf(modules)) return true;
  return false;
}

/**
 * The patterns whose handlers are marked as served during shutdown, as they stand in their decorators, in JSON.
 *
 * Relies on what `handlesMessages()` relies on. Where it is missing, such handlers are refused like all others.
 */
export function allowedPatternsOf(modules: ModulesContainer): ReadonlySet<string> {
  const allowed = new Set<string>();
  for (const { patterns, isAllowed } of messageHandlersOf(modules)) {
    if (isAllowed) for (const pattern of [patterns].flat()) allowed.add(patternKey(pattern));
  }
  return allowed;
}

/** What two equal patterns have in common, objects included. */
export function patternKey(pattern: unknown): string {
  return typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
}

function* messageHandlersOf(
  modules: ModulesContainer,
): Iterable<{ readonly patterns: unknown; readonly isAllowed: boolean }> {
  for (const { metatype } of controllersOf(modules)) {
    if (typeof metatype !== 'function') continue;
    for (const [, method] of methodsOf(metatype.prototype as object | null)) {
      const patterns: unknown = Reflect.getMetadata(messagePatterns, method);
      if (patterns !== undefined) yield { patterns, isAllowed: Reflect.hasMetadata(ALLOW_DURING_SHUTDOWN, method) };
    }
  }
}
