import { DrainError } from '../sequence/errors.js';
import { ALLOW_DURING_SHUTDOWN, copyFunction } from './metadata.js';
import { methodsOf } from './methods-of.js';

type Method = (...args: never[]) => unknown;

/** Where `@nestjs/common` keeps the path of a route. */
const routePath = 'path';
/** Where `@nestjs/microservices` keeps the patterns of a message handler. */
export const messagePatterns = 'microservices:pattern';

/**
 * Marks a route, or all routes of a controller, as served for as long as the listener is open: health checks, metrics.
 * Its requests are never refused, and never count as traffic that has yet to leave. The same on the handler of a
 * message pattern, for calls (a ping) over transports that refuse late ones.
 *
 * @throws DrainError `DRAIN_MISPLACED_DECORATOR` at bootstrap, when it stands on something that is no route, no handler
 * of messages and no controller
 * @publicApi
 */
export function AllowDuringShutdown(): ClassDecorator & MethodDecorator {
  return (target: object, property?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (property === undefined) return markClass(target as new () => object);
    const method: unknown = descriptor?.value;
    if (typeof method !== 'function') {
      throw new DrainError(
        'DRAIN_MISPLACED_DECORATOR',
        'Expected @AllowDuringShutdown() on a route method or a controller, ' +
          `got it on ${String(property)}, which is no method. Move it.`,
      );
    }
    Reflect.defineMetadata(ALLOW_DURING_SHUTDOWN, true, method);
  };
}

/**
 * Puts the mark on each route of a class. The class alone is not enough: Nest hands the HTTP adapter the metadata of
 * a route, and not that of its class.
 */
function markClass(target: new () => object): void {
  Reflect.defineMetadata(ALLOW_DURING_SHUTDOWN, true, target);
  const prototype = target.prototype as Record<string, unknown>;
  for (const name of handlersOf(prototype)) {
    const method = prototype[name] as Method;
    if (Object.hasOwn(prototype, name)) {
      Reflect.defineMetadata(ALLOW_DURING_SHUTDOWN, true, method);
      continue;
    }
    // An inherited route may also belong to controllers that are not marked, so this controller gets its own function.
    const own = copyFunction(method, function (this: object, ...args: never[]) {
      return method.apply(this, args);
    });
    Reflect.defineMetadata(ALLOW_DURING_SHUTDOWN, true, own);
    Object.defineProperty(prototype, name, { value: own, writable: true, configurable: true });
  }
}

/** Returns the names of the methods of `prototype`, own and inherited, that are routes. */
export function routesOf(prototype: object): string[] {
  return namesOf(prototype, (method) => Reflect.hasMetadata(routePath, method));
}

/** Returns the names of the methods of `prototype`, own and inherited, that are routes or handle messages. */
export function handlersOf(prototype: object): string[] {
  return namesOf(
    prototype,
    (method) => Reflect.hasMetadata(routePath, method) || Reflect.hasMetadata(messagePatterns, method),
  );
}

function namesOf(prototype: object, isMeant: (method: object) => boolean): string[] {
  const names = new Set<string>();
  for (const [name, method] of methodsOf(prototype)) if (isMeant(method)) names.add(name);
  return [...names];
}
