import { createRequire } from 'node:module';
import { type ModulesContainer } from '@nestjs/core';
import { type TransportServer } from '../../drainables/microservices/shared/transport.js';

/** What Nest hands the servers of an application to, each before it is given its handlers. */
interface MicroservicesModule {
  setupListeners(container: { getModules(): object }, server: TransportServer): void;
}

const watchers = new WeakMap<object, (server: TransportServer) => void>();
const watched = new WeakSet<MicroservicesModule>();

/**
 * Does what `watchTransports()` does for versions that tell nobody of their transports.
 *
 * Relies on `MicroservicesModule.prototype.setupListeners(container, server)`, looked up among what is loaded already
 * (@nestjs/microservices 7 to 11; needed before 11.1.4). Where it is missing, a sentence at bootstrap says so.
 */
export function watchEarlyTransports(modules: ModulesContainer, meet?: (server: TransportServer) => void): void {
  if (meet) watchers.set(modules, meet);
  else watchers.delete(modules);
  for (const prototype of loadedModules()) {
    if (watched.has(prototype)) continue;
    watched.add(prototype);
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called on each module again
    const { setupListeners } = prototype;
    prototype.setupListeners = function (container, server) {
      watchers.get(container.getModules())?.(server);
      setupListeners.call(this, container, server);
    };
  }
}

/** Of each copy of the package that `require` has loaded: such versions are CommonJS. */
export function loadedModules(): MicroservicesModule[] {
  const { cache } = createRequire(process.execPath);
  return Object.keys(cache)
    .filter((file) => /@nestjs[\\/]microservices[\\/]microservices-module\.js$/.test(file))
    .map((file) => cache[file]?.exports as { MicroservicesModule?: { prototype: MicroservicesModule } } | undefined)
    .flatMap((exported) => exported?.MicroservicesModule?.prototype ?? [])
    .filter((prototype) => typeof prototype.setupListeners === 'function');
}
