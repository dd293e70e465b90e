import { type ModulesContainer } from '@nestjs/core';
import { methodsOf } from '../../in-flight/methods-of.js';
import { controllersOf } from './modules.js';

/** The server of a microservice's transport, as far as it is met here. */
export interface TransportServer {
  close?(...args: unknown[]): unknown;
}

interface Registry {
  getRpcTargetRegistry?<T>(): { subscribe(next: (target: T) => void): { unsubscribe(): void } };
}

/**
 * Calls `meet` with the server of every transport, those that are connected already and those that will be. A server
 * of gRPC, of a custom strategy, or of a hybrid application is one as well.
 *
 * Relies on `ModulesContainer.getRpcTargetRegistry()` (since @nestjs/core 11.1.4). No earlier version tells modules of
 * the transports: there `app.close()` of a standalone microservice closes the transport before the drain, which a
 * signal does not, and in a hybrid application the answer of a message that ends last may be lost.
 *
 * @returns a function that ends it
 */
export function watchTransports(modules: ModulesContainer, meet: (server: TransportServer) => void): () => void {
  const subscription = (modules as Registry).getRpcTargetRegistry?.<TransportServer>().subscribe(meet);
  return () => subscription?.unsubscribe();
}

/** Reports whether `watchTransports` has any effect. */
export function transportsAreTold(modules: ModulesContainer): boolean {
  return typeof (modules as Registry).getRpcTargetRegistry === 'function';
}

/**
 * Reports whether some controller handles messages of a microservice.
 *
 * Relies on the metadata `microservices:pattern` of its methods (since @nestjs/microservices 7). Where it is missing,
 * nothing is said of a missing registry of transports.
 */
export function handlesMessages(modules: ModulesContainer): boolean {
  return controllersOf(modules).some(({ metatype }) => {
    if (typeof metatype !== 'function') return false;
    for (const [, method] of methodsOf(metatype.prototype as object | null)) {
      if (Reflect.hasMetadata('microservices:pattern', method)) return true;
    }
    return false;
  });
}
