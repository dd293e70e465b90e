import { Inject, Injectable, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { assemble, type MakeApplication } from '../application.js';

type Any = any; // eslint-disable-line @typescript-eslint/no-explicit-any

/** Every overload that people use, under a prefix that tells when it was registered. */
function addRoutes(adapter: Any, prefix: string): void {
  if (adapter.getType() === 'express') addExpressRoutes(adapter, prefix);
  else addFastifyRoutes(adapter, prefix);
  adapter.get(`${prefix}/self`, function (this: unknown, _request: Any, response: Any) {
    response.send({ hasThis: this !== undefined });
  });
  adapter.post(`${prefix}/body`, (request: Any, response: Any) => void response.send({ body: request.body ?? null }));
  adapter.all(`${prefix}/all`, (request: Any, response: Any) => void response.send({ method: request.method }));
}

function addExpressRoutes(adapter: Any, prefix: string): void {
  const answer = (_request: Any, response: Any) => response.send({ marks: response.locals.marks ?? null });
  const mark = (_request: Any, response: Any, next: Any) => {
    (response.locals.marks ??= []).push('marked');
    next();
  };
  const fail = (_request: Any, _response: Any, next: Any) => next(new Error('failed by hand'));
  const mend = (error: Error, _request: Any, response: Any, _next: Any) =>
    response.status(418).send({ mended: error.message });
  adapter.get(`${prefix}/several`, mark, mark, answer);
  adapter.get(`${prefix}/array`, [mark, [mark, answer]]);
  adapter.get(`${prefix}/error`, fail, mend);
  adapter.get(`${prefix}/error-array`, [fail, mend]);
  adapter.get(`${prefix}/error-apart`, fail);
  adapter.get(`${prefix}/error-apart`, mend);
  adapter.get(`${prefix}/throws`, () => {
    throw new Error('thrown by hand');
  });
  adapter.get(`${prefix}/throws`, mend);
  adapter.get(`${prefix}/rejects`, async () => {
    throw new Error('rejected by hand');
  });
  adapter.get(`${prefix}/rejects`, mend);
  adapter.get(`${prefix}/next`, (_request: Any, _response: Any, next: Any) => next('route'), answer);
  adapter.get([`${prefix}/one-of`, `${prefix}/two-of`], answer);
  adapter.get(new RegExp(`^${prefix}/regexp/(\\d+)$`), (request: Any, response: Any) => response.send(request.params));
  adapter.get(`${prefix}/arity`, (...args: unknown[]) => (args[1] as Any).send({ args: args.length }));
  adapter.use(`${prefix}/used`, mark, answer);
  adapter.getInstance().get(`${prefix}/instance`, mark, answer);
  adapter.getInstance().route(`${prefix}/route`).get(mark, answer).post(answer);
}

function addFastifyRoutes(adapter: Any, prefix: string): void {
  const schema = { response: { 200: { type: 'object', properties: { kept: { type: 'string' } } } } };
  adapter.get(`${prefix}/options`, { schema }, (_request: Any, reply: Any) => reply.send({ kept: 'a', dropped: 'b' }));
  adapter.get(`${prefix}/this`, function (this: Any, _request: Any, reply: Any) {
    reply.send({ prefix: this.prefix, isInstance: typeof this.inject === 'function' });
  });
  adapter.get(`${prefix}/returned`, async () => ({ returned: true }));
  adapter.get(`${prefix}/lazy`, () => ({ then: (resolve: (value: unknown) => void) => resolve({ lazy: true }) }));
  adapter.get(`${prefix}/arity`, (...args: unknown[]) => (args[1] as Any).send({ args: args.length }));
  adapter.get(`${prefix}/throws`, () => {
    throw Object.assign(new Error('thrown by hand'), { statusCode: 418 });
  });
  adapter.get(`${prefix}/rejects`, async () => {
    throw Object.assign(new Error('rejected by hand'), { statusCode: 418 });
  });
  const hooks = { preHandler: (_request: Any, reply: Any, done: Any) => done(void reply.header('X-Pre', '1')) };
  adapter.get(`${prefix}/hooks`, hooks, async () => ({ hooked: true }));
  const own = {
    errorHandler: (error: Error, _request: Any, reply: Any) => reply.code(418).send({ own: error.message }),
  };
  adapter.get(`${prefix}/error-handler`, own, async () => {
    throw new Error('for my handler');
  });
  const fastify = adapter.getInstance();
  fastify.route({ method: ['GET', 'PUT'], url: `${prefix}/route`, handler: async () => ({ routed: true }) });
  fastify.register(
    async (instance: Any) => {
      instance.decorate('colour', 'green');
      instance.get('/colour', async function (this: Any) {
        return { colour: this.colour };
      });
    },
    { prefix: `${prefix}/plugin` },
  );
}

@Injectable()
class RoutesByHand implements OnModuleInit, OnApplicationBootstrap {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    addRoutes(this.host.httpAdapter, '/init');
  }

  /** Express has its answer to unknown routes in front of these. */
  onApplicationBootstrap(): void {
    if (this.host.httpAdapter.getType() === 'fastify') addRoutes(this.host.httpAdapter, '/bootstrap');
  }
}

@Module({ providers: [RoutesByHand] })
class RoutesModule {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  configure(): void {
    addRoutes(this.host.httpAdapter, '/configure');
  }
}

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { imports: [RoutesModule] });
  addRoutes(app.getHttpAdapter(), '/main');
  return app;
};
