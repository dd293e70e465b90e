import { type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { ON_SHUTDOWN, type OnShutdownMetadata } from '../hooks/on-shutdown.decorator.js';
import { handlersOf } from '../in-flight/allow-during-shutdown.decorator.js';
import { classOf } from '../in-flight/class-of.js';
import { ALLOW_DURING_SHUTDOWN, TRACK_IN_FLIGHT } from '../in-flight/metadata.js';
import { methodsOf } from '../in-flight/methods-of.js';
import { trackMethodsOf } from '../in-flight/tracked-runs.js';
import { DrainError } from '../sequence/errors.js';
import { controllersOf, injectablesOf, providersOf, type Wrapper } from './insides/modules.js';

type Hook = (...args: unknown[]) => unknown;

/** What the decorators of this package have left on the methods of a class, inherited methods included. */
interface Marks {
  readonly prototype: object;
  readonly hooks: ReadonlyMap<string, Hook>;
  /** The methods with `@AllowDuringShutdown()`. */
  readonly allowed: readonly string[];
  readonly isTracked: boolean;
}

/** What the explorer hands its findings to. */
export type ExploredCore = Pick<DrainCore, 'hooks' | 'trackedRuns'>;

/**
 * Finds what the decorators have marked, in one pass over all providers and controllers. It looks at bootstrap, and
 * once more when a shutdown begins: a signal during bootstrap comes first, and modules may have been loaded lazily.
 *
 * A provider may be any value: one that cannot carry our metadata is passed over, no getter is touched, and nothing
 * that it throws stops the application.
 */
export class HookExplorer {
  private readonly explored = new WeakSet<object>();

  constructor(
    private readonly modules: ModulesContainer,
    private readonly core: ExploredCore,
  ) {}

  /** @throws DrainError `DRAIN_MISPLACED_DECORATOR` for a decorator that could never have an effect */
  explore(): void {
    for (const wrapper of controllersOf(this.modules)) this.exploreOne(wrapper, true);
    for (const wrapper of providersOf(this.modules)) this.exploreOne(wrapper, false);
    for (const wrapper of injectablesOf(this.modules)) this.exploreOne(wrapper, false);
  }

  private exploreOne(wrapper: Wrapper, isController: boolean): void {
    const { instance } = wrapper;
    if (typeof instance !== 'object' || instance === null || this.explored.has(instance)) return;
    this.explored.add(instance);
    const marks = marksOf(instance);
    if (!marks) return;
    checkAllowance(marks, isController);
    if (marks.isTracked) trackMethodsOf(instance, this.core.trackedRuns);
    for (const [name, method] of marks.hooks) {
      if (!wrapper.isDependencyTreeStatic()) {
        throw new DrainError(
          'DRAIN_MISPLACED_DECORATOR',
          'Expected @OnShutdown() on a provider that lives as long as the application, got it on ' +
            `${classNameOf(marks)}.${name}, ` +
            'which is request-scoped or transient, or depends on one that is: there is no one instance to call. ' +
            'Move the method to a singleton.',
        );
      }
      for (const { phase, options } of Reflect.getOwnMetadata(ON_SHUTDOWN, method) as OnShutdownMetadata[]) {
        this.core.hooks.add(phase, (context) => method.call(instance, context), options);
      }
    }
  }
}

/** What the class of a provider's instance carries; nothing where it carries nothing of ours. Never throws. */
function marksOf(instance: object): Marks | undefined {
  try {
    const prototype = Object.getPrototypeOf(instance) as object | null;
    if (prototype === null || prototype === Object.prototype) return undefined;
    return lookAt(prototype);
  } catch {
    // A trap of a proxy has thrown: it stands for no class of a provider.
    return undefined;
  }
}

function lookAt(prototype: object): Marks | undefined {
  const hooks = new Map<string, Hook>();
  const allowed: string[] = [];
  let isTracked = false;
  for (const [name, method] of methodsOf(prototype)) {
    if (!hooks.has(name) && Reflect.hasOwnMetadata(ON_SHUTDOWN, method)) hooks.set(name, method as Hook);
    if (Reflect.hasOwnMetadata(ALLOW_DURING_SHUTDOWN, method)) allowed.push(name);
    isTracked ||= Reflect.hasOwnMetadata(TRACK_IN_FLIGHT, method);
  }
  const type = classOf(prototype);
  const isAllowed = type !== undefined && Reflect.hasOwnMetadata(ALLOW_DURING_SHUTDOWN, type);
  if (hooks.size === 0 && allowed.length === 0 && !isTracked && !isAllowed) return undefined;
  return { prototype, hooks, allowed, isTracked };
}

function checkAllowance(marks: Marks, isController: boolean): void {
  const fail = (where: string) => {
    throw new DrainError(
      'DRAIN_MISPLACED_DECORATOR',
      `Expected @AllowDuringShutdown() on a route, a handler of messages or a controller, got it on ${where}. Put it ` +
        'where the @Get(), @MessagePattern() or @Controller() is.',
    );
  };
  const type = classOf(marks.prototype);
  if (!isController && type && Reflect.hasOwnMetadata(ALLOW_DURING_SHUTDOWN, type)) fail(type.name);
  if (marks.allowed.length === 0) return;
  const handlers = isController ? handlersOf(marks.prototype) : [];
  for (const name of marks.allowed) if (!handlers.includes(name)) fail(`${classNameOf(marks)}.${name}`);
}

function classNameOf({ prototype }: Marks): string {
  return classOf(prototype)?.name ?? 'a class';
}
