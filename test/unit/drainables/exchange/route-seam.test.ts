import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { buildSync } from 'esbuild';
import { exchangeOf } from '../../../../src/drainables/exchange/exchange.js';
import { type Http1Exchange } from '../../../../src/drainables/http/http1-exchange.js';
import { HandlerWork } from '../../../../src/drainables/exchange/handler-work.js';
import { HealthRoutes } from '../../../../src/drainables/exchange/route.js';
import { type RouteSeamContext, wrapRoutes } from '../../../../src/drainables/exchange/route-seam.js';
import { ALLOW_DURING_SHUTDOWN, MAY_ASK_READINESS } from '../../../../src/in-flight/metadata.js';
import { InFlightTracker } from '../../../../src/in-flight/in-flight-tracker.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { fakeExchange } from '../http/fake-exchange.js';

type Handler = (request: object, response: object, next?: () => unknown) => unknown;

/** An adapter that keeps what is registered on it. */
class FakeAdapter {
  readonly registered: { args: unknown[]; handler: Handler }[] = [];
  notFound?: Handler;
  get(...args: unknown[]): unknown {
    return this.keep(args);
  }
  post(...args: unknown[]): unknown {
    return this.keep(args);
  }
  setNotFoundHandler(handler: Handler): void {
    this.notFound = handler;
  }
  private keep(args: unknown[]): string {
    this.registered.push({ args, handler: args.at(-1) as Handler });
    return 'registered';
  }
}

let tracker: InFlightTracker;
let adapter: FakeAdapter;
let context: RouteSeamContext;
let watched: string[];
let discounted: number;

beforeEach(() => {
  tracker = new InFlightTracker(new FakeClock());
  watched = [];
  discounted = 0;
  context = {
    handlers: new HandlerWork(tracker),
    healthRoutes: new HealthRoutes(),
    readiness: {
      watch: (route, run) => {
        watched.push(route.pattern);
        return run();
      },
    },
    countsHandlers: true,
    discount: () => discounted++,
  };
  adapter = new FakeAdapter();
});

function register(handler: Handler, over: Partial<RouteSeamContext> = {}): Handler {
  wrapRoutes(adapter, { ...context, ...over });
  adapter.get('/orders', handler);
  return adapter.registered[0]!.handler;
}

function marked(key: string, handler: Handler): Handler {
  Reflect.defineMetadata(key, true, handler);
  return handler;
}

const lateExchange = (refused: Http1Exchange[]) => {
  const exchange = fakeExchange(tracker, (each) => refused.push(each));
  exchange.verdict = 'exempt';
  return exchange;
};

describe('wrapRoutes', () => {
  it('calls the handler as the framework does, and hands its answer on', () => {
    const calls: unknown[][] = [];
    const wrapped = register((...args) => (calls.push(args), 'answer'));
    const [request, response, next] = [{}, {}, () => undefined];
    expect(wrapped(request, response, next)).toBe('answer');
    expect(calls).toEqual([[request, response, next]]);
  });

  it('returns what the registration returns, and keeps its other arguments', () => {
    wrapRoutes(adapter, context);
    const options = { version: '1' };
    expect(adapter.post('/orders', options, () => undefined)).toBe('registered');
    expect(adapter.registered[0]!.args.slice(0, 2)).toEqual(['/orders', options]);
  });

  it.each([[['view engine']], [[['/a', '/b'], () => undefined]], [['/a', [() => undefined]]]])(
    'passes on what is no plain route: %p',
    (args) => {
      wrapRoutes(adapter, context);
      adapter.get(...args);
      expect(adapter.registered[0]!.args).toEqual(args);
      expect(adapter.registered[0]!.handler).toBe(args.at(-1));
    },
  );

  it("calls the handler with the framework's this and every argument, and looks like it", () => {
    const seen: unknown[] = [];
    const handler = function (this: unknown, ...args: unknown[]): void {
      seen.push(this, ...args);
    };
    const wrapped = register(handler) as (...args: unknown[]) => unknown;
    const [self, request, response] = [{}, {}, {}];
    wrapped.call(self, request, response, undefined, 'more');
    expect(seen).toEqual([self, request, response, undefined, 'more']);
    expect(seen[0]).toBe(self);
    expect(wrapped).toHaveLength(0);
    const { registered } = adapter;
    registered.length = 0;
    adapter.get('/orders', (_request: object, _response: object) => undefined);
    expect(registered[0]!.handler).toHaveLength(2);
  });

  it('leaves handlers of errors alone, which Express tells by their four parameters', () => {
    const onError = (_error: unknown, _request: object, _response: object, _next: unknown) => 418;
    expect(register(onError as never)).toBe(onError);
  });

  it.each([true, false])(
    'runs what acts each time its then() is called once (seen by a server: %s)',
    async (isSeen) => {
      let runs = 0;
      const query = {
        then(resolve: (rows: string[]) => void) {
          runs++;
          resolve(['a row']);
        },
      };
      const wrapped = register(() => query);
      const exchange = fakeExchange(tracker);
      expect(await wrapped(isSeen ? exchange.request : {}, {})).toEqual(['a row']);
      expect(runs).toBe(1);
    },
  );

  it("keeps the handler's name and metadata", () => {
    const handler = marked('own', function orders() {
      return undefined;
    });
    const wrapped = register(handler);
    expect(wrapped).not.toBe(handler);
    expect(wrapped.name).toBe('orders');
    expect(Reflect.getMetadata('own', wrapped)).toBe(true);
  });

  it('holds a lease named after method and pattern until the handler has ended', async () => {
    let end!: () => void;
    const wrapped = register(() => new Promise<void>((resolve) => (end = resolve)));
    const answer = wrapped({}, {});
    expect(tracker.leftovers()).toEqual([{ kind: 'handler', name: 'GET /orders', ageMs: 0 }]);
    end();
    await answer;
    expect(tracker.size).toBe(0);
  });

  it('leaves the lease to the interceptor where that counts', () => {
    let held = -1;
    const wrapped = register(() => (held = tracker.size), { countsHandlers: false });
    wrapped({}, {});
    expect(held).toBe(0);
  });

  it('names the exchange after the route', () => {
    const exchange = fakeExchange(tracker);
    register(() => undefined)(exchange.request, exchange.response);
    expect(exchange.name).toBe('GET /orders');
  });

  it('serves a marked route however late, and does not count it as traffic', () => {
    const refused: Http1Exchange[] = [];
    const { request, response } = lateExchange(refused);
    const wrapped = register(marked(ALLOW_DURING_SHUTDOWN, () => 'served'));
    expect(context.healthRoutes.couldMatch('GET', '/orders')).toBe(true);
    expect(wrapped(request, response)).toBe('served');
    expect({ refused, discounted }).toEqual({ refused: [], discounted: 1 });
  });

  it('counts an ordinary route as traffic', () => {
    register(() => undefined)({}, {});
    expect(discounted).toBe(0);
  });

  it('lets the framework go on for a late request to a route that is not marked', () => {
    const refused: Http1Exchange[] = [];
    const { request, response } = lateExchange(refused);
    const wrapped = register(() => 'served');
    expect(wrapped(request, response, () => 'next route')).toBe('next route');
    expect(refused).toEqual([]);
  });

  it('refuses a late request where the framework cannot go on, and takes the response over', () => {
    const refused: Http1Exchange[] = [];
    const exchange = lateExchange(refused);
    let isHijacked = false;
    const reply = Object.assign(exchange.response, { hijack: () => (isHijacked = true) });
    const wrapped = register(() => 'served');
    expect(wrapped(exchange.request, reply)).toBeUndefined();
    expect(refused).toEqual([exchange]);
    expect(isHijacked).toBe(true);
  });

  it('refuses a late request that matches nothing', () => {
    wrapRoutes(adapter, context);
    let notFound = 0;
    adapter.setNotFoundHandler(() => notFound++);
    const refused: Http1Exchange[] = [];
    const exchange = lateExchange(refused);
    adapter.notFound!(exchange.request, exchange.response, () => undefined);
    expect({ refused, notFound }).toEqual({ refused: [exchange], notFound: 0 });
    adapter.notFound!({}, {}, () => undefined);
    expect(notFound).toBe(1);
  });

  it('watches a candidate until it is learnt', () => {
    const wrapped = register(marked(MAY_ASK_READINESS, () => undefined));
    wrapped({}, {});
    wrapped({}, {});
    expect(watched).toEqual(['/orders', '/orders']);
    const marks = context.healthRoutes as unknown as { matchers: unknown[] };
    expect(marks.matchers).toEqual([]);
  });

  it('does not watch a route that is no candidate', () => {
    register(() => undefined)({}, {});
    expect(watched).toEqual([]);
  });

  it('stops watching a candidate that has been learnt', () => {
    const readiness: RouteSeamContext['readiness'] = {
      watch: (route, run) => {
        watched.push(route.pattern);
        context.healthRoutes.add(route);
        return run();
      },
    };
    const wrapped = register(
      marked(MAY_ASK_READINESS, () => undefined),
      { readiness },
    );
    wrapped({}, {});
    wrapped({}, {});
    expect(watched).toEqual(['/orders']);
    expect(context.healthRoutes.couldMatch('GET', '/orders')).toBe(true);
  });
});

describe('What a handler rejects with', () => {
  /** What a process of its own prints, since a test cannot have unhandled rejections. */
  function printedWith(afterwards: string): string {
    const contents = `
      import 'reflect-metadata';
      import { wrapRoutes } from './src/drainables/exchange/route-seam.ts';
      import { HandlerWork } from './src/drainables/exchange/handler-work.ts';
      import { HealthRoutes } from './src/drainables/exchange/route.ts';
      import { InFlightTracker } from './src/in-flight/in-flight-tracker.ts';
      process.on('unhandledRejection', ({ message }) => console.log('unhandled: ' + message));
      const tracker = new InFlightTracker({ now: () => 0 });
      const adapter = { get: (_path, handler) => (adapter.handler = handler) };
      const handlers = new HandlerWork(tracker);
      wrapRoutes(adapter, { handlers, healthRoutes: new HealthRoutes(), countsHandlers: true });
      adapter.get('/by-hand', () => Promise.reject(new Error('broken')));
      const handed = adapter.handler({}, {});
      ${afterwards}
      setImmediate(() => console.log('in flight: ' + tracker.size));`;
    const { outputFiles } = buildSync({
      stdin: { contents, resolveDir: process.cwd() },
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
      logLevel: 'error',
    });
    const args = ['--input-type=module', '--eval', outputFiles[0]!.text];
    return execFileSync(process.execPath, args, { encoding: 'utf8' });
  }

  it('stays unhandled where nobody handles it, as in a route that was added by hand', () => {
    expect(printedWith('')).toBe('unhandled: broken\nin flight: 0\n');
  });

  it('is no unhandled rejection where the framework handles it', () => {
    expect(printedWith('handed.catch(() => undefined);')).toBe('in flight: 0\n');
  });
});

describe('HandlerWork', () => {
  it('holds the exchange of a request that a server has seen, and takes no second lease', () => {
    const exchange = fakeExchange(tracker);
    tracker.add(exchange);
    const end = context.handlers.begin(exchange.request, 'handler', 'GET /orders');
    exchange.endResponse();
    expect(tracker.leftovers()).toEqual([{ kind: 'handler', name: 'GET (no route)', ageMs: 0 }]);
    end();
    expect(tracker.size).toBe(0);
    expect(tracker.finished).toBe(1);
  });

  it('finds the exchange of a request that Fastify has wrapped', () => {
    const exchange = fakeExchange(tracker);
    expect(exchangeOf({ raw: exchange.request })).toBe(exchange);
    expect(context.handlers.isJudged({ raw: exchange.request })).toBe(true);
    expect(context.handlers.isJudged({})).toBe(false);
    expect(context.handlers.isJudged(undefined)).toBe(false);
  });

  it('takes one lease for a request, whoever asks first, wrapped or not', () => {
    const raw = {};
    const end = context.handlers.begin(raw, 'handler', 'first');
    const again = context.handlers.begin({ raw }, 'handler', 'second');
    expect(tracker.leftovers().map(({ name }) => name)).toEqual(['first']);
    again();
    expect(tracker.size).toBe(1);
    end();
    expect(tracker.size).toBe(0);
  });

  it.each([
    ['returns', () => 1],
    ['resolves', async () => 1],
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
  ])('ends the lease of a handler that %s', async (_, run) => {
    try {
      await register(run)({}, {});
    } catch (error) {
      expect(error).toEqual(new Error('broken'));
    }
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 0, finished: 1 });
  });
});
