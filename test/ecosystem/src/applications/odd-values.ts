import { parse } from 'node:querystring';
import { Controller, Get, Inject, Module, type Provider } from '@nestjs/common';
import * as namespace from '../held.js';
import { assemble, type MakeApplication } from '../application.js';

let reads = 0;

/**
 * What applications give as `useValue`: all of it is fine with Nest, which reads prototypes and its own hooks, and
 * nothing else.
 */
const values: Record<string, unknown> = {
  nullPrototype: Object.assign(Object.create(null), { a: 1 }),
  namespace,
  query: parse('a=1&b=2'),
  noConstructor: { constructor: undefined, a: 1 },
  textConstructor: { constructor: 'text' },
  frozen: Object.freeze({ a: 1 }),
  null: null,
  zero: 0,
  text: 'text',
  symbol: Symbol('some'),
  bigint: 1n,
  function: () => 1,
  arrow: Object.assign(() => 1, { prototype: undefined }),
  array: [1, 2],
  map: new Map([[1, 2]]),
  getters: Object.defineProperty({}, 'counted', { enumerable: true, get: () => ++reads }),
  throwingGetters: Object.create(
    Object.defineProperty({}, 'thrower', {
      get() {
        throw new Error('read');
      },
    }),
  ) as object,
  proxy: new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('trapped');
      },
      getOwnPropertyDescriptor() {
        throw new Error('trapped');
      },
    },
  ),
};

const providers: Provider[] = Object.entries(values).map(([name, useValue]) => ({ provide: name, useValue }));
const fromFactories: Provider[] = Object.entries(values).map(([name, value]) => ({
  provide: `${name} of a factory`,
  useFactory: () => value,
}));

@Controller()
class ValuesController {
  constructor(@Inject('nullPrototype') private readonly value: { a: number }) {}

  @Get('values')
  values() {
    return { a: this.value.a, getterReads: reads };
  }
}

@Module({ controllers: [ValuesController], providers: [...providers, ...fromFactories] })
class ValuesModule {}

export const make: MakeApplication = (variant) => assemble(variant, { imports: [ValuesModule] });
