import 'reflect-metadata';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type CallHandler, type ExecutionContext, ServiceUnavailableException } from '@nestjs/common';
import { firstValueFrom, Subject, throwError } from 'rxjs';
import { HandlerWork } from '../../../src/drainables/exchange/handler-work.js';
import { AllowDuringShutdown } from '../../../src/in-flight/allow-during-shutdown.decorator.js';
import { rememberCore } from '../../../src/in-flight/core-of.js';
import { InFlightInterceptor } from '../../../src/nest/in-flight.interceptor.js';
import { InFlightTracker } from '../../../src/in-flight/in-flight-tracker.js';
import { Refusals } from '../../../src/refusal/refusals.js';
import { FakeClock } from '../../support/fake-clock.js';

class OrdersController {
  orders() {}
  @AllowDuringShutdown()
  live() {}
}

const options = { statusCode: 503, retryAfterSeconds: 7, listener: 'open', cors: false } as const;

let tracker: InFlightTracker;
let refused: number;
let isRefusing: boolean;
let isJudged: boolean;
let areDrained: boolean;
let interceptor: InFlightInterceptor;
let headers: Record<string, string>;

beforeEach(() => {
  tracker = new InFlightTracker(new FakeClock());
  isRefusing = isJudged = areDrained = false;
  headers = {};
  refused = 0;
  const work = new HandlerWork(tracker);
  const modules = {};
  interceptor = new InFlightInterceptor(modules);
  // It is made later than an interceptor of another module may be.
  rememberCore(modules, {
    get isRefusing() {
      return isRefusing;
    },
    transports: {
      get areDrained() {
        return areDrained;
      },
    },
    refusals: new Refusals(options, { clock: new FakeClock(), refused: () => refused++ }),
    handlers: { begin: work.begin.bind(work), isJudged: () => isJudged },
  });
});

interface Asked {
  readonly type?: string;
  readonly method?: 'orders' | 'live';
  readonly request?: object;
  readonly header?: string;
}

function contextOf({ type = 'http', method = 'orders', request = {}, header = 'setHeader' }: Asked = {}) {
  const response = { [header]: (name: string, value: string) => (headers[name] = value) };
  return {
    getType: () => type,
    getClass: () => OrdersController,
    getHandler: () => OrdersController.prototype[method],
    getArgByIndex: () => ({ req: request }),
    switchToHttp: () => ({ getRequest: () => request, getResponse: () => response }),
  } as unknown as ExecutionContext;
}

function handling<T>(subject = new Subject<T>()): CallHandler & { subject: Subject<T>; calls: number } {
  return {
    subject,
    calls: 0,
    handle() {
      this.calls++;
      return subject;
    },
  };
}

describe('InFlightInterceptor', () => {
  it('holds a lease, named after class and method, until the handler completes', () => {
    const next = handling<string>();
    const answers: string[] = [];
    interceptor.intercept(contextOf(), next).subscribe((answer) => answers.push(answer as string));
    expect(tracker.leftovers()).toEqual([{ kind: 'handler', name: 'OrdersController.orders', ageMs: 0 }]);
    next.subject.next('an order');
    expect(tracker.size).toBe(1);
    next.subject.complete();
    expect({ size: tracker.size, finished: tracker.finished, answers }).toEqual({
      size: 0,
      finished: 1,
      answers: ['an order'],
    });
  });

  it('releases the lease of a handler that fails', () => {
    const failing = { handle: () => throwError(() => new Error('broken')) };
    let raised: unknown;
    interceptor.intercept(contextOf(), failing).subscribe({ error: (error) => (raised = error) });
    expect(raised).toEqual(new Error('broken'));
    expect({ size: tracker.size, finished: tracker.finished }).toEqual({ size: 0, finished: 1 });
  });

  it('releases the lease when nobody listens to the handler any longer', () => {
    const subscription = interceptor.intercept(contextOf(), handling()).subscribe();
    subscription.unsubscribe();
    expect(tracker.size).toBe(0);
  });

  it('names the kind of transport of a handler that is not HTTP', () => {
    interceptor.intercept(contextOf({ type: 'rpc' }), handling()).subscribe();
    expect(tracker.leftovers()).toEqual([{ kind: 'rpc', name: 'OrdersController.orders', ageMs: 0 }]);
  });

  it('counts a request once, used twice', () => {
    const request = {};
    interceptor.intercept(contextOf({ request }), handling()).subscribe();
    interceptor.intercept(contextOf({ request }), handling()).subscribe();
    expect(tracker.size).toBe(1);
  });

  it.each(['setHeader', 'header'])('refuses a late request with 503 and Retry-After (%s)', (header) => {
    isRefusing = true;
    const next = handling();
    expect(() => interceptor.intercept(contextOf({ header }), next)).toThrow(ServiceUnavailableException);
    expect(headers).toEqual({ 'Retry-After': '7', Connection: 'close' });
    expect({ calls: next.calls, size: tracker.size, refused }).toEqual({ calls: 0, size: 0, refused: 1 });
  });

  it('refuses a late message of another transport, and sets no headers', async () => {
    isRefusing = true;
    const next = handling();
    const answer = firstValueFrom(interceptor.intercept(contextOf({ type: 'rpc' }), next));
    await expect(answer).rejects.toThrow('The server is shutting down');
    expect({ headers, calls: next.calls, refused }).toEqual({ headers: {}, calls: 0, refused: 1 });
  });

  it('leaves messages to the transports that count them', () => {
    isRefusing = areDrained = true;
    const next = handling();
    interceptor.intercept(contextOf({ type: 'rpc' }), next).subscribe();
    expect({ calls: next.calls, size: tracker.size, refused }).toEqual({ calls: 1, size: 0, refused: 0 });
  });

  it('judges an operation of GraphQL by the request that brought it', () => {
    isRefusing = isJudged = true;
    const next = handling();
    interceptor.intercept(contextOf({ type: 'graphql' }), next).subscribe();
    isJudged = false;
    expect(next.calls).toBe(1);
    expect(() => interceptor.intercept(contextOf({ type: 'graphql' }), next)).toThrow('The server is shutting down');
  });

  it('leaves a request alone that a server of the module has judged', () => {
    isRefusing = isJudged = true;
    const next = handling();
    interceptor.intercept(contextOf(), next).subscribe();
    expect(next.calls).toBe(1);
  });

  it('lets an allowed route pass while it refuses, after the drain too', () => {
    isRefusing = true;
    tracker.seal();
    const next = handling();
    interceptor.intercept(contextOf({ method: 'live' }), next).subscribe();
    expect(next.calls).toBe(1);
  });
});
