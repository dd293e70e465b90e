import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Module, type Provider } from '@nestjs/common';
import * as os from 'node:os';
import { parse } from 'node:querystring';
import { OnShutdown } from '../../../src/index.js';
import { closeAll, frameworks, start } from '../../support/applications.js';
import { request } from '../../support/raw-client.js';

afterEach(closeAll);

const fail = () => {
  throw new Error('a trap has been sprung');
};
const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, fail]));

class Holder {
  get client(): never {
    return fail();
  }
}

/** Ordinary values, as applications provide them. */
const values: [string, unknown][] = [
  ['an object without a prototype', Object.create(null)],
  ['a module namespace', os],
  ['a parsed query string', parse('a=1&b=2')],
  ['an object whose constructor is undefined', { constructor: undefined }],
  ['an object whose prototype has none', Object.create({ constructor: undefined })],
  [
    'an object whose constructor is no function',
    Object.create(Object.create(null, { constructor: { value: 'none' } })),
  ],
  ['an instance whose getters throw', Object.create(Holder.prototype)],
  ['a frozen object', Object.freeze({ a: 1 })],
  ['a function', () => 1],
  ['null', null],
];

@Controller()
class OrdersController {
  @Get('orders')
  list() {
    return [];
  }
}

describe.each(frameworks)('An application on %s', (framework) => {
  it.each(values)('starts, serves and closes with a provider that is %s', async (_name, value) => {
    const providers: Provider[] = [
      { provide: 'value', useValue: value },
      { provide: 'made', useFactory: () => value },
      { provide: 'made asynchronously', useFactory: async () => value },
    ];
    const { app, url, shutdown } = await start(
      { framework, protocol: 'http' },
      { controllers: [OrdersController], providers },
    );
    expect(await request(`${url}/orders`)).toMatchObject({ status: 200 });
    await app.close();
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });

  it('starts and closes with a proxy whose traps throw, but for those that Nest itself springs', async () => {
    class Client {}
    const springs = { getPrototypeOf: () => Client.prototype, get: () => undefined, has: () => false };
    const proxy = new Proxy(new Client(), { ...traps, ...springs });
    const providers: Provider[] = [
      { provide: 'proxy', useValue: proxy },
      { provide: 'made', useFactory: () => proxy },
    ];
    const { app, shutdown } = await start({ framework, protocol: 'http' }, { providers });
    await app.close();
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });

  it('still runs the hooks of an instance that a value, a function or a proxy provides', async () => {
    const ran: string[] = [];
    @Injectable()
    class Queue {
      constructor(private readonly name: string) {}
      @OnShutdown('releasing')
      close() {
        ran.push(this.name);
      }
    }
    const providers: Provider[] = [
      { provide: 'value', useValue: new Queue('value') },
      { provide: 'made', useFactory: () => new Queue('made') },
      { provide: 'proxy', useValue: new Proxy(new Queue('proxy'), {}) },
    ];
    @Module({ providers })
    class QueueModule {}
    const { app } = await start({ framework, protocol: 'http' }, { imports: [QueueModule] });
    await app.close();
    expect(ran.sort()).toEqual(['made', 'proxy', 'value']);
  });
});
