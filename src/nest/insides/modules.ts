import { type ModulesContainer } from '@nestjs/core';

/** What Nest keeps of a provider or a controller, as far as it is read here. */
export interface Wrapper {
  /** The class; of a provider that is made by a function, the function; null for a plain value. */
  readonly metatype: unknown;
  readonly instance: unknown;
  readonly token: unknown;
  /** What the function of a provider has injected. Absent for a class. */
  readonly inject?: unknown;
  /** Reports whether there is one instance for the whole application. */
  isDependencyTreeStatic(): boolean;
}

/**
 * All providers, the classes of modules included.
 *
 * Relies on `Module.providers`, a map of wrappers (since Nest 4), as `DiscoveryService` does, whose class would have to
 * be loaded with Nest.
 */
export function providersOf(modules: ModulesContainer): readonly Wrapper[] {
  return Array.from(modules.values()).flatMap(({ providers }) => [...providers.values()]);
}

/** All controllers. Relies on `Module.controllers`, in the same way. */
export function controllersOf(modules: ModulesContainer): readonly Wrapper[] {
  return Array.from(modules.values()).flatMap(({ controllers }) => [...controllers.values()]);
}

/**
 * The guards, interceptors, pipes and filters that are named by their class, which `DiscoveryService` does not list.
 *
 * Relies on `Module.injectables`, a map of wrappers (since Nest 4). Where it is missing, the decorators of this
 * package have no effect on such classes.
 */
export function injectablesOf(modules: ModulesContainer): readonly Wrapper[] {
  return Array.from(modules.values()).flatMap(({ injectables }) => [...(injectables?.values() ?? [])]);
}

/**
 * Moves a module to another place in the order in which Nest runs the hooks of modules: destroy and shutdown hooks run
 * from the least distance to the greatest, init hooks the other way round. It must happen before the first init hook,
 * for Nest sorts the modules then, once.
 *
 * Relies on `Module.distance`, which can be set (since Nest 7). Where it is missing, Nest destroys providers while
 * requests are in flight, and the report is written before the last hook has run; on Nest 12 an HTTP application still
 * drains first, through `beforeClose`.
 */
export function placeModule(modules: ModulesContainer, metatype: object, distance: number): void {
  for (const module of modules.values()) if (module.metatype === metatype) module.distance = distance;
}

/** Reports whether `placeModule` has any effect. */
export function modulesHaveDistances(modules: ModulesContainer): boolean {
  for (const module of modules.values()) if (!('distance' in module)) return false;
  return true;
}

/**
 * The modules that a module class lists in its decorator, as they stand there.
 *
 * Relies on the metadata `imports` (since Nest 1). Where it is missing, the error about a module that is imported twice
 * names those that see it, and not only those that import it.
 */
export function importsListedBy(metatype: object): readonly unknown[] {
  return (Reflect.getMetadata('imports', metatype) as unknown[] | undefined) ?? [];
}
