import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DrainCore } from '../../../src/drain-core.js';
import { SubscriptionFinder } from '../../../src/nest/subscription-finder.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeModules } from './fake-modules.js';

type Hook = (given: unknown) => void;

/** An instance of Fastify, which may have a server of WebSockets. */
class FakeFastify {
  readonly hooks = new Map<string, Hook>();
  constructor(readonly websocketServer?: object) {}
  addHook(name: string, hook: Hook): void {
    this.hooks.set(name, hook);
  }
}

class Driver {}

let modules: FakeModules;
let finder: SubscriptionFinder;
let attached: unknown[];

beforeEach(() => {
  const core = new DrainCore(resolveOptions({}), new FakeClock(), {});
  modules = new FakeModules();
  finder = new SubscriptionFinder(core, modules.container);
  attached = [];
  jest.spyOn(core.webSockets, 'attach').mockImplementation((server) => attached.push(server) > 0);
});

const adapterOf = (instance: object, type = 'fastify') => ({ getType: () => type, getInstance: () => instance });

describe('The finder of subscriptions', () => {
  it('finds the servers of Fastify and of each of its plugins as soon as it is ready, which it is told', () => {
    const [root, plugin] = [new FakeFastify({ of: 'root' }), new FakeFastify({ of: 'plugin' })];
    finder.meetHttp(adapterOf(root));
    root.hooks.get('onRegister')!(plugin);
    const done = jest.fn();
    root.hooks.get('onReady')!(done);
    expect(attached).toEqual([{ of: 'root' }, { of: 'plugin' }]);
    expect(done).toHaveBeenCalledTimes(1);
  });

  it('has nothing to do with another framework', () => {
    const express = new FakeFastify({ of: 'express' });
    finder.meetHttp(adapterOf(express, 'express'));
    finder.meetHttp({});
    finder.look();
    expect([attached, express.hooks.size]).toEqual([[], 0]);
  });

  it("finds the server of Apollo's subscriptions", () => {
    const server = { of: 'apollo' };
    modules.provide({ _subscriptionService: { wsServer: server } }, { metatype: Driver });
    modules.provide({ _subscriptionService: null }, { metatype: Driver });
    modules.provide({ _subscriptionService: 'none' }, { metatype: Driver });
    modules.provide(new Driver(), { metatype: Driver });
    finder.look();
    expect(attached).toEqual([server]);
  });

  it('touches no values, nothing that functions have made, and no getter', () => {
    const service = { wsServer: {} };
    modules.provide({ _subscriptionService: service }, { metatype: null });
    modules.provide({ _subscriptionService: service }, { metatype: Driver, inject: [] });
    modules.provide(new Proxy({}, { getOwnPropertyDescriptor: fail }), { metatype: Driver });
    modules.provide(Object.defineProperty({}, '_subscriptionService', { get: fail }), { metatype: Driver });
    for (const each of [null, undefined, 'text']) modules.provide(each, { metatype: Driver });
    finder.look();
    expect(attached).toEqual([]);
  });
});

function fail(): never {
  throw new Error('must not be touched');
}
