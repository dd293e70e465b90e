import { type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { ON_SHUTDOWN, type OnShutdownMetadata } from '../hooks/on-shutdown.decorator.js';
import { routesOf } from '../in-flight/allow-during-shutdown.decorator.js';
import { ALLOW_DURING_SHUTDOWN, TRACK_IN_FLIGHT } from '../in-flight/metadata.js';
import { methodsOf } from '../in-flight/methods-of.js';
import { trackMethodsOf } from '../in-flight/track-in-flight.decorator.js';
import { DrainError } from '../sequence/errors.js';

type Hook = (...args: unknown[]) => unknown;

/** What Nest keeps of a provider or controller, as far as the explorer reads it. */
interface Wrapper {
  readonly instance: unknown;
  readonly metatype: unknown;
  readonly name: unknown;
  isDependencyTreeStatic(): boolean;
}

/**
 * Finds what the decorators have marked. It looks at bootstrap, and once more when a shutdown begins: a signal during bootstrap comes first.
 */
export class HookExplorer {
  private readonly explored = new WeakSet<object>();

  constructor(
    private readonly modules: ModulesContainer,
    private readonly core: DrainCore,
  ) {}

  /** @throws DrainError `DRAIN_MISPLACED_DECORATOR` for a decorator that could never have an effect */
  explore(): void {
    for (const module of this.modules.values()) {
      for (const wrapper of module.controllers.values()) this.exploreOne(wrapper, true);
      for (const wrapper of [...module.providers.values(), ...module.injectables.values()])
        this.exploreOne(wrapper, false);
    }
  }

  private exploreOne(wrapper: Wrapper, isController: boolean): void {
    const { instance } = wrapper;
    if (typeof instance !== 'object' || instance === null || this.explored.has(instance)) return;
    this.explored.add(instance);
    checkAllowance(instance, isController);
    if (markedMethods(instance, TRACK_IN_FLIGHT).length > 0) trackMethodsOf(instance, this.core.tracker);
    for (const [name, method] of markedMethods(instance, ON_SHUTDOWN)) {
      if (!wrapper.isDependencyTreeStatic()) {
        throw new DrainError(
          'DRAIN_MISPLACED_DECORATOR',
          `Expected @OnShutdown() on a provider that lives as long as the application, got it on ${instance.constructor.name}.${name}, ` +
            'which is request-scoped or transient, or depends on one that is: there is no one instance to call. Move the method to a singleton.',
        );
      }
      for (const { phase, options } of Reflect.getMetadata(ON_SHUTDOWN, method) as OnShutdownMetadata[]) {
        this.core.hooks.add(phase, (context) => method.call(instance, context), options);
      }
    }
  }
}

function checkAllowance(instance: object, isController: boolean): void {
  const { constructor } = instance;
  const fail = (where: string) => {
    throw new DrainError(
      'DRAIN_MISPLACED_DECORATOR',
      `Expected @AllowDuringShutdown() on a route or a controller, got it on ${where}. Put it where the @Get() or @Controller() is.`,
    );
  };
  if (!isController && Reflect.hasOwnMetadata(ALLOW_DURING_SHUTDOWN, constructor)) fail(constructor.name);
  const marked = markedMethods(instance, ALLOW_DURING_SHUTDOWN);
  if (marked.length === 0) return;
  const routes = isController ? routesOf(Object.getPrototypeOf(instance) as object) : [];
  for (const [name] of marked) if (!routes.includes(name)) fail(`${constructor.name}.${name}`);
}

/** The methods of `instance`, own prototypes included, that carry `key`. Getters are not touched. */
function markedMethods(instance: object, key: string): [string, Hook][] {
  const found = new Map<string, Hook>();
  for (const [name, method] of methodsOf(Object.getPrototypeOf(instance) as object | null)) {
    if (!found.has(name) && Reflect.hasOwnMetadata(key, method)) found.set(name, method as Hook);
  }
  return [...found];
}
