import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Injectable,
  Post,
  Res,
  Scope,
  StreamableFile,
  UseFilters,
  UseInterceptors,
  VersioningType,
} from '@nestjs/common';
import { type ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { defer, from, map } from 'rxjs';
import { InFlightInterceptor } from '../../../src/index.js';
import { closeAll, connect, type Framework, frameworks, holds, refuses } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { type RawClient, request } from '../../support/raw-client.js';
import { Database, type Orders, rawResponse, startOrders } from './orders.js';

const get = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: a.example', ...headers].join('\r\n').concat('\r\n\r\n');

/** What each piece of work waits for, and whether it found the database open when it ended. */
class Work {
  readonly gate = new Gate();
  readonly found: boolean[] = [];

  async do(database: Database): Promise<void> {
    await this.gate.pass();
    this.found.push(database.isOpen);
  }
}

/** Every kind of route, each of which holds its work at the gate. */
function controllersOf(work: Work) {
  @Catch()
  class SlowFilter implements ExceptionFilter {
    async catch(_error: unknown, host: ArgumentsHost): Promise<void> {
      await work.gate.pass();
      rawResponse(host.switchToHttp().getResponse()).writeHead(418).end('{}');
    }
  }

  @Injectable()
  class Connection {
    constructor(readonly database: Database) {}
  }

  @Controller()
  class KindsController {
    constructor(private readonly database: Database) {}

    @Get('promise')
    async promise(): Promise<object> {
      await work.do(this.database);
      return {};
    }

    @Get('observable')
    observable() {
      return defer(() => from(work.do(this.database))).pipe(map(() => ({})));
    }

    @Get('throwing')
    async throwing(): Promise<never> {
      await work.do(this.database);
      throw new Error('on purpose');
    }

    @Get('throwing-at-once')
    throwingAtOnce(): never {
      throw new Error('on purpose');
    }

    @Get('filtered')
    @UseFilters(SlowFilter)
    filtered(): never {
      throw new Error('on purpose');
    }

    @Get('file')
    file(): StreamableFile {
      const stream = new PassThrough();
      stream.write('begun ');
      void work.do(this.database).then(() => stream.end('ended'));
      return new StreamableFile(stream);
    }

    @Get('response')
    response(@Res() response: object): void {
      const raw = rawResponse(response);
      raw.write('begun ');
      void work.do(this.database).then(() => raw.end('ended'));
    }

    @Post('upload')
    upload(@Body() body: object): object {
      work.found.push(this.database.isOpen);
      return body;
    }

    @Get('twice')
    @UseInterceptors(InFlightInterceptor)
    async twice(): Promise<object> {
      await work.do(this.database);
      return {};
    }
  }

  @Controller({ path: 'scoped', scope: Scope.REQUEST })
  class ScopedController {
    constructor(private readonly connection: Connection) {}

    @Get()
    async scoped(): Promise<object> {
      await work.do(this.connection.database);
      return {};
    }
  }

  return { controllers: [KindsController, ScopedController], providers: [Connection] };
}

const trackings = ['routes', 'interceptor'] as const;
const settings = frameworks.flatMap((framework) => trackings.map((httpTracking) => ({ framework, httpTracking })));

describe.each(settings)('In flight on $framework with httpTracking: $httpTracking', ({ framework, httpTracking }) => {
  const platform = { framework, protocol: 'http' } as const;
  afterEach(closeAll);

  async function startKinds() {
    const work = new Work();
    const kinds = controllersOf(work);
    const orders = await startOrders(platform, {
      ...kinds,
      drain: { httpTracking },
      prepare: (app) => {
        app.use('/slow-middleware', (_request: unknown, response: ServerResponse) => {
          void work.do(app.get(Database)).then(() => response.end('{}'));
        });
      },
    });
    return { orders, work };
  }

  /** Sees that a shutdown which has begun waits for the work, and ends with it. */
  async function expectItIsWaitedFor(orders: Orders, work: Work, end = () => work.gate.release()) {
    expect(orders.shutdown.inFlight).toBe(1);
    const closed = orders.app.close();
    await refuses(orders.shutdown);
    expect(orders.shutdown.phase).toBe('draining');
    expect(orders.app.get(Database).isOpen).toBe(true);
    end();
    await closed;
    expect(work.found).not.toContain(false);
    expect(orders.shutdown.inFlight).toBe(0);
    expect(await orders.shutdown.closed).toMatchObject({
      outcome: 'drained',
      inFlight: { atSignal: 1, finished: 1 },
      leftovers: [],
    });
  }

  it.each([
    { kind: 'promise', status: 200 },
    { kind: 'observable', status: 200 },
    { kind: 'throwing', status: 500 },
    { kind: 'filtered', status: 418 },
    { kind: 'file', status: 200 },
    { kind: 'response', status: 200 },
    { kind: 'scoped', status: 200 },
    { kind: 'twice', status: 200 },
    { kind: 'slow-middleware', status: 200 },
  ])('a request of the kind $kind is one piece of work, and is waited for', async ({ kind, status }) => {
    const { orders, work } = await startKinds();
    const answer = request(`${orders.url}/${kind}`);
    await work.gate.entered;
    await expectItIsWaitedFor(orders, work);
    expect(await answer).toMatchObject({ status });
  });

  it.each(['promise', 'observable', 'throwing', 'scoped', 'twice'])(
    'a handler of the kind %s is waited for when its client has gone',
    async (kind) => {
      const { orders, work } = await startKinds();
      const { client, socket } = await connect(orders);
      client.write(get(`/${kind}`));
      await work.gate.entered;
      client.destroy();
      await holds(() => socket.destroyed);
      await expectItIsWaitedFor(orders, work);
      expect(work.found).toEqual([true]);
    },
  );

  it('a slow upload is one piece of work, and is waited for', async () => {
    const { orders, work } = await startKinds();
    const { client } = await connect(orders);
    const head = ['POST /upload HTTP/1.1', 'Host: test', 'Content-Type: application/json', 'Content-Length: 7'];
    client.write(`${head.join('\r\n')}\r\n\r\n{"a"`);
    await holds(() => orders.shutdown.inFlight === 1);
    await expectItIsWaitedFor(orders, work, () => client.write(':1}'));
    expect(work.found).toEqual([true]);
    expect(await client.answers(1)).toMatchObject([{ status: 201, body: '{"a":1}' }]);
  });

  it('a slow guard is one piece of work, and is waited for', async () => {
    const { orders, work } = await startKinds();
    const answer = request(`${orders.url}/guarded/a`);
    await orders.gate('a').entered;
    await expectItIsWaitedFor(orders, work, () => orders.gate('a').release());
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
  });

  it('nothing is left by what has ended, however it did', async () => {
    const { orders, work } = await startKinds();
    for (const [path, status] of [
      ['/throwing-at-once', 500],
      ['/nowhere', 404],
      ['/middleware', 200],
      ['/orders', 200],
      ['/health/live', 200],
    ] as const) {
      expect(await request(orders.url + path)).toMatchObject({ status });
      await holds(() => orders.shutdown.inFlight === 0);
    }
    for (const path of ['/file', '/response']) {
      const { client } = await connect(orders);
      client.write(get(path));
      await client.until((text) => text.includes('begun'));
      expect(orders.shutdown.inFlight).toBe(1);
      client.destroy();
      await holds(() => orders.shutdown.inFlight === 0);
    }
    work.gate.release();
    await orders.app.close();
    expect(await orders.shutdown.closed).toMatchObject({ outcome: 'drained', inFlight: { atSignal: 0, finished: 0 } });
  });

  it('pipelined requests are one piece of work each, and none when their connection breaks', async () => {
    const { orders } = await startKinds();
    const { client } = await connect(orders);
    client.write(get('/stream/a') + get('/nowhere') + get('/middleware'));
    await holds(() => orders.shutdown.inFlight === 3);
    orders.gate('a').release();
    await client.answers(2);
    await holds(() => orders.shutdown.inFlight === 0);
    const { client: leaving } = await connect(orders);
    leaving.write(get('/stream/b') + get('/nowhere') + get('/middleware'));
    await holds(() => orders.shutdown.inFlight === 3);
    leaving.destroy();
    orders.gate('b').release();
    await holds(() => orders.shutdown.inFlight === 0);
  });

  it('a versioned route is named, and counted once', async () => {
    const work = new Work();
    const [first, second] = ['1', '2'].map((version) => {
      @Controller({ path: 'versioned', version })
      class VersionedController {
        constructor(private readonly database: Database) {}

        @Get(':id')
        async find(): Promise<object> {
          await work.do(this.database);
          return { version };
        }
      }
      return VersionedController;
    });
    const orders = await startOrders(platform, {
      controllers: [first!, second!],
      drain: { httpTracking },
      prepare: (app) => void app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.HEADER, header: 'v' }),
    });
    const answer = request(`${orders.url}/api/versioned/7`, { headers: { v: '2' } });
    await work.gate.entered;
    await expectItIsWaitedFor(orders, work);
    expect(await answer).toMatchObject({ status: 200, body: { version: '2' } });
  });

  it('leftovers are named by the route below its global prefix', async () => {
    const orders = await startOrders(platform, {
      drain: { httpTracking, drainTimeoutMs: 0 },
      prepare: (app) => void app.setGlobalPrefix('api'),
    });
    const { client } = await connect(orders);
    client.write(get('/api/orders/7?token=secret'));
    await orders.gate('7').entered;
    await orders.app.close();
    expect((await orders.shutdown.closed).leftovers).toMatchObject([
      { kind: 'request', name: 'GET /api/orders/:name' },
    ]);
    client.destroy();
  });

  it('a client that leaves while an exception filter runs leaves no work behind', async () => {
    const { orders, work } = await startKinds();
    const { client } = await connect(orders);
    client.write(get('/filtered'));
    await work.gate.entered;
    client.destroy();
    await holds(() => orders.shutdown.inFlight === 0);
  });
});

describe.each(trackings)('On express with httpTracking: %s', (httpTracking) => {
  const platform = { framework: 'express' as Framework, protocol: 'http' } as const;
  afterEach(closeAll);

  it('a route bound to a host is counted once, though the request passes another on its way', async () => {
    const work = new Work();
    const controllers = ['b.example', 'a.example'].map((host) => {
      @Controller({ path: 'hosted', host })
      class HostedController {
        constructor(private readonly database: Database) {}

        @Get()
        async find(): Promise<object> {
          await work.do(this.database);
          return { host };
        }
      }
      return HostedController;
    });
    const orders = await startOrders(platform, { controllers, drain: { httpTracking } });
    const { client } = await connect(orders);
    client.write(get('/hosted'));
    await work.gate.entered;
    expect(orders.shutdown.inFlight).toBe(1);
    const closed = orders.app.close();
    await refuses(orders.shutdown);
    const late: RawClient = (await connect(orders)).client;
    late.write(get('/hosted'));
    expect(await late.answers(1)).toMatchObject([{ status: 503 }]);
    work.gate.release();
    expect(await client.answers(1)).toMatchObject([{ status: 200, body: '{"host":"a.example"}' }]);
    await closed;
    expect(work.found).toEqual([true]);
  });
});

describe.each(frameworks)('Without the module, on %s', (framework) => {
  afterEach(closeAll);

  it('a handler whose client has gone meets a closed database', async () => {
    const work = new Work();
    @Controller()
    class PromiseController {
      constructor(private readonly database: Database) {}

      @Get('promise')
      async promise(): Promise<object> {
        await work.do(this.database);
        return {};
      }
    }
    const orders = await startOrders(
      { framework, protocol: 'http' },
      { drain: false, controllers: [PromiseController] },
    );
    const { client, socket } = await connect(orders);
    client.write(get('/promise'));
    await work.gate.entered;
    client.destroy();
    await holds(() => socket.destroyed);
    await orders.app.close();
    work.gate.release();
    await holds(() => work.found.length === 1);
    expect(work.found).toEqual([false]);
  });
});
