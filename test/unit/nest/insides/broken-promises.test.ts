import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Controller, Inject, Module } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer, NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { MicroservicesModule } from '@nestjs/microservices/microservices-module.js';
import { brokenPromises, type Surroundings } from '../../../../src/nest/insides/broken-promises.js';
import { watchSocketAdapters } from '../../../../src/nest/insides/gateways.js';
import { watchTransports } from '../../../../src/nest/insides/transports.js';

class Injecting {
  constructor(@Inject(ApplicationConfig) readonly config: unknown) {}
}

@Controller()
class EventsController {
  @MessagePattern('order')
  order() {}
}

@Module({ controllers: [EventsController] })
class AppModule {}

async function surroundings(): Promise<Surroundings> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const adapter = { getType: () => 'fastify', getInstance: () => ({ [Symbol('fastify.serverBindings')]: [] }) };
  return { modules: app.get(ModulesContainer), config: new ApplicationConfig(), adapter, injecting: Injecting };
}

/** A Nest in which `getRpcTargetRegistry()` is missing, as in 11.0. */
function withoutRegistry(modules: ModulesContainer): ModulesContainer {
  return Object.defineProperty(modules, 'getRpcTargetRegistry', { value: undefined });
}

describe('brokenPromises', () => {
  it('says nothing where all is as it should be', async () => {
    expect(brokenPromises(await surroundings())).toEqual([]);
    expect(brokenPromises({ ...(await surroundings()), config: undefined, adapter: undefined })).toEqual([]);
  });

  it('says what is not kept when Nest does not tell of transports, where there are any', async () => {
    const nest = await surroundings();
    withoutRegistry(nest.modules);
    expect(brokenPromises(nest)).toEqual([]);
    const { setupListeners } = MicroservicesModule.prototype;
    Object.assign(MicroservicesModule.prototype, { setupListeners: undefined });
    try {
      expect(brokenPromises(nest)).toEqual([expect.stringContaining('closes its transport before the drain')]);
      const modules = withoutRegistry(new ModulesContainer());
      expect(brokenPromises({ ...nest, modules })).toEqual([]);
    } finally {
      Object.assign(MicroservicesModule.prototype, { setupListeners });
    }
  });

  it('meets the transports of a Nest that tells nobody of them, as each is given its handlers', () => {
    const modules = withoutRegistry(new ModulesContainer());
    const met: object[] = [];
    const stop = watchTransports(modules, (server) => met.push(server));
    // Another application of this process watches as well: nobody is told twice for it.
    watchTransports(withoutRegistry(new ModulesContainer()), () => met.push({}))();
    const setUp = (of: object, server: object) => {
      const microservices = new MicroservicesModule();
      // Nest has not been told what to bind handlers with.
      expect(() => microservices.setupListeners({ getModules: () => of } as never, server as never)).toThrow();
    };
    const server = { transportId: 0 };
    setUp(modules, server);
    setUp(new ModulesContainer(), { transportId: 1 });
    stop();
    setUp(modules, { transportId: 2 });
    expect(met).toEqual([server]);
  });

  it('says what is not kept when something else has vanished', async () => {
    const nest = await surroundings();
    const modules = new Map([['module', { metatype: AppModule }]]) as unknown as ModulesContainer;
    Object.assign(modules, { getRpcTargetRegistry: () => undefined });
    expect(
      brokenPromises({
        modules,
        config: {} as ApplicationConfig,
        adapter: { getType: () => 'fastify', getInstance: () => ({}) },
        injecting: class {},
      }),
    ).toEqual([
      expect.stringContaining('destroyed while requests are in flight'),
      expect.stringContaining('neither told to leave nor waited for'),
      expect.stringContaining('second address are not drained'),
      expect.stringContaining('Put @AllowDuringShutdown()'),
    ]);
    expect(brokenPromises(nest)).toEqual([]);
  });

  it('never throws, whatever it is given', async () => {
    const nest = await surroundings();
    const adapter = {
      getType() {
        throw new Error('not yet');
      },
    };
    expect(brokenPromises({ ...nest, adapter })).toHaveLength(1);
  });
});

describe('Where an inside of Nest is missing', () => {
  it('nothing is watched, and nothing crashes', async () => {
    const { modules } = await surroundings();
    const fail = () => {
      throw new Error('met');
    };
    watchTransports(withoutRegistry(modules), fail)();
    watchSocketAdapters({} as ApplicationConfig, fail)();
  });
});
