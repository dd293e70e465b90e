import { ALLOW_DURING_SHUTDOWN, copyFunction, MAY_ASK_READINESS } from '../../in-flight/metadata.js';
import { endWith, promiseOf } from '../../in-flight/run-until-settled.js';
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

type Handler = (this: unknown, request: object, response: object, next?: () => unknown) => unknown;
type Register = (...args: unknown[]) => unknown;

/** Express tells those who handle errors by their number of parameters. */
const errorHandlerParameters = 4;

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
 * Wraps each route handler once, when it is registered: the wrapper names the request, holds its lease until the
 * handler has ended, and decides for a late request whether this very handler is one that is served. That costs a
 * request about a tenth of what an interceptor does.
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

/**
 * The wrapper passes on what it is called with, `this` and all, and returns what the handler returns: routes that
 * somebody adds to the adapter by hand are called as they would be without it.
 */
function wrapHandler(handler: Handler, route: Route, context: RouteSeamContext): Handler {
  if (handler.length >= errorHandlerParameters) return handler;
  const { healthRoutes, readiness, handlers, countsHandlers } = context;
  const isAllowed = Reflect.hasMetadata(ALLOW_DURING_SHUTDOWN, handler);
  if (isAllowed || healthRoutes.allows(route.method, route.pattern)) healthRoutes.add(route);
  const name = `${route.method} ${route.pattern}`;
  const run = Reflect.hasMetadata(MAY_ASK_READINESS, handler) ? watched(handler, route, readiness) : handler;

  // The parameters are what is looked at; `arguments` passes on as many as there were, and costs nothing.
  const wrapper: Handler = function (this, request, response, next) {
    const exchange = exchangeOf(request);
    if (exchange !== undefined) {
      if (exchange.isLate && !route.isHealth && !healthRoutes.allows(exchange.method, exchange.url)) {
        return refuse(exchange, response, next);
      }
      exchange.route = route;
    }
    if (route.isHealth) {
      if (exchange) disregard(exchange, request, healthRoutes);
      context.discount();
    }

    // eslint-disable-next-line prefer-rest-params
    const args = arguments as unknown as Parameters<Handler>;
    if (!countsHandlers) return run.apply(this, args);
    const end = exchange ? exchange.begin() : handlers.begin(request, 'handler', name);
    let result: unknown;
    try {
      // Called here, and in no function of its own: the stack of an error that it throws holds one frame of ours.
      result = run.apply(this, args);
    } catch (error) {
      end();
      throw error;
    }
    return endAfter(result, end);
  };
  return standingIn(handler, wrapper);
}

/** Calls `end` when the promise that a handler may have returned has settled. Returns what the handler did. */
function endAfter(result: unknown, end: () => void): unknown {
  // What acts each time somebody calls its then(), as a query of a database may, is made a promise once.
  const handedOn = promiseOf(result);
  if (handedOn instanceof Promise) return endWith(handedOn, end);
  // A filter for a host or a version that does not match calls next() and returns no promise.
  end();
  return handedOn;
}

/** A request for a health route: others that come by the same way are known by their URLs from here on. */
function disregard(exchange: Exchange, request: { readonly url?: string }, healthRoutes: HealthRoutes): void {
  exchange.disregard();
  healthRoutes.reached(exchange.method, exchange.url, request.url ?? exchange.url);
}

function watched(handler: Handler, route: Route, readiness: ReadinessLearner): Handler {
  return function (this, ...args) {
    return route.isHealth ? handler.apply(this, args) : readiness.watch(route, () => handler.apply(this, args));
  };
}

/** Whoever asks the wrapper for its name, its metadata or its number of parameters gets the handler's. */
function standingIn(handler: Handler, wrapper: Handler): Handler {
  const { length } = handler;
  return Object.defineProperty(copyFunction(handler, wrapper), 'length', { configurable: true, value: length });
}

/**
 * A late request that was let through for its URL, and has reached a handler that is not served. Where the framework
 * can go on (Express), it does: a route that is bound to a version or host may not be the one that matches. Whatever
 * comes last refuses.
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
    if (typeof handler !== 'function') return (setNotFoundHandler as Register).call(this, handler, ...rest);
    const refusing: Handler = function (this, request, response) {
      const exchange = exchangeOf(request);
      if (exchange?.isLate) return refuse(exchange, response);
      // eslint-disable-next-line prefer-rest-params
      return handler.apply(this, arguments as unknown as Parameters<Handler>);
    };
    return (setNotFoundHandler as Register).call(this, standingIn(handler, refusing), ...rest);
  };
}
