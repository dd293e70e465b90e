import { ALLOW_DURING_SHUTDOWN, copyFunction, MAY_ASK_READINESS } from '../../in-flight/metadata.js';
import { type Exchange, exchangeOf } from './exchange.js';
import { type HandlerWork } from './handler-work.js';
import { type HealthRoutes, type Route } from './route.js';

/** The methods with which Nest registers routes on an HTTP adapter, 11 and 12 together. */
const registrationMethods = [
  'get',
  'post',
  'put',
  'patch',
  'delete',
  'head',
  'options',
  'all',
  'search',
  'query',
  'propfind',
  'proppatch',
  'mkcol',
  'copy',
  'move',
  'lock',
  'unlock',
] as const;

type Handler = (request: object, response: object, next?: () => unknown) => unknown;
type Register = (...args: unknown[]) => unknown;

/** An HTTP adapter, as far as it registers routes. */
export type RouteRegistrar = Partial<Record<(typeof registrationMethods)[number] | 'setNotFoundHandler', unknown>>;

/** Finds out which route asks whether the replica is ready. */
export interface ReadinessLearner {
  watch<T>(route: Route, run: () => T): T;
}

export interface RouteSeamContext {
  readonly handlers: HandlerWork;
  readonly healthRoutes: HealthRoutes;
  readonly readiness: ReadinessLearner;
  /** Reports whether the wrapper takes the handler lease; otherwise the interceptor does. */
  readonly countsHandlers: boolean;
  /** A request for a health route is no traffic. */
  discount(): void;
}

/**
 * Wraps each route handler once, when it is registered: the wrapper names the request, holds its lease until the handler has ended, and decides
 * for a late request whether this very handler is one that is served. That costs a request about a tenth of what an interceptor does.
 *
 * It must be installed before the routes are registered: in a module's `configure()`.
 */
export function wrapRoutes(adapter: RouteRegistrar, context: RouteSeamContext): void {
  for (const method of registrationMethods) {
    const register = adapter[method];
    if (typeof register !== 'function') continue;
    const original = register as Register;
    adapter[method] = function (this: unknown, ...args: unknown[]): unknown {
      const handler = args.at(-1);
      // `adapter.get('setting')` reads a setting of Express; an array of paths or handlers is left to the framework.
      if (args.length < 2 || typeof args[0] !== 'string' || typeof handler !== 'function') {
        return original.apply(this, args);
      }
      const route: Route = { method: method.toUpperCase(), pattern: args[0] || '/', isHealth: false };
      return original.apply(this, [...args.slice(0, -1), wrapHandler(handler as Handler, route, context)]);
    };
  }
  refuseUnmatched(adapter);
}

function wrapHandler(handler: Handler, route: Route, context: RouteSeamContext): Handler {
  const { healthRoutes, readiness, handlers, countsHandlers } = context;
  if (Reflect.hasMetadata(ALLOW_DURING_SHUTDOWN, handler)) healthRoutes.add(route);
  const name = `${route.method} ${route.pattern}`;
  const mayAsk = Reflect.hasMetadata(MAY_ASK_READINESS, handler);

  const run: Handler = mayAsk
    ? (...args) => (route.isHealth ? handler(...args) : readiness.watch(route, () => handler(...args)))
    : handler;

  const wrapper: Handler = (request, response, next) => {
    const exchange = exchangeOf(request);
    if (exchange?.isLate && !route.isHealth) return refuse(exchange, response, next);
    if (exchange) exchange.route = route;
    if (route.isHealth) {
      exchange?.disregard();
      context.discount();
    }

    if (!countsHandlers) return run(request, response, next);
    return handlers.during(request, 'handler', name, () => run(request, response, next));
  };
  return copyFunction(handler, wrapper);
}

/**
 * A late request that was let through for its URL, and has reached a handler that is not served. Where the framework can go on (Express),
 * it does: a route that is bound to a version or host may not be the one that matches. Whatever comes last refuses.
 */
function refuse(exchange: Exchange, response: object, next?: () => unknown): unknown {
  if (typeof next === 'function') return next();
  // Fastify would otherwise send a response of its own.
  (response as { hijack?(): void }).hijack?.();
  exchange.refuse();
  return undefined;
}

function refuseUnmatched(adapter: RouteRegistrar): void {
  const setNotFoundHandler = adapter.setNotFoundHandler;
  if (typeof setNotFoundHandler !== 'function') return;
  adapter.setNotFoundHandler = function (this: unknown, handler: Handler, ...rest: unknown[]): unknown {
    const refusing: Handler = (request, response, next) => {
      const exchange = exchangeOf(request);
      return exchange?.isLate ? refuse(exchange, response) : handler(request, response, next);
    };
    return (setNotFoundHandler as Register).call(this, copyFunction(handler, refusing), ...rest);
  };
}
