import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ApplicationConfig } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { of } from 'rxjs';
import { DrainCore } from '../../../src/drain-core.js';
import { GatewayFinder } from '../../../src/nest/gateway-finder.js';
import { type SocketAdapter } from '../../../src/nest/insides/gateways.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { FakeModules } from './fake-modules.js';

/** An adapter that hands back what it was given. */
class Adapter implements SocketAdapter {
  httpServer: unknown;
  httpServersRegistry: unknown;
  disconnect?: (reason?: unknown) => void;
  create(port: number): object {
    return { port };
  }
  bindMessageHandlers(...[_client, handlers, transform]: Parameters<SocketAdapter['bindMessageHandlers']>): unknown {
    return { handlers, transform };
  }
  bindClientDisconnect(_client: object, callback: (reason?: unknown) => void): void {
    this.disconnect = callback;
  }
}

const gate = { current: new Gate() };
const pass = () => gate.current.pass();

@WebSocketGateway()
class OrdersGateway {
  handleConnection(_client: unknown): unknown {
    return pass();
  }
  handleDisconnect(_client: unknown): unknown {
    return pass();
  }
  @SubscribeMessage('place')
  place(): unknown {
    return pass();
  }
  @SubscribeMessage('cancel')
  cancel(): void {}
}

@WebSocketGateway()
class StockGateway {
  @SubscribeMessage('cancel')
  cancel(): void {}
}

let core: DrainCore;
let config: ApplicationConfig;
let modules: FakeModules;
let adapter: Adapter;
let attached: jest.SpiedFunction<DrainCore['webSockets']['attach']>;

beforeEach(() => {
  core = newCore();
  attached = jest.spyOn(core.webSockets, 'attach').mockReturnValue(true);
  config = new ApplicationConfig();
  modules = new FakeModules();
  adapter = new Adapter();
  gate.current = new Gate();
});
afterEach(() => gate.current.release());

const newCore = () => new DrainCore(resolveOptions({}), new FakeClock(), {});
const turn = () => new Promise((resolve) => setImmediate(resolve));
const inFlight = (of = core) => of.tracker.leftovers().map(({ kind, name }) => `${kind} ${name}`);

function started(): GatewayFinder {
  const finder = new GatewayFinder(core, modules.container, config);
  finder.start();
  return finder;
}

/** Nest is given an adapter, and asks it for the server of a gateway. */
function use(each: object = adapter): void {
  config.setIoAdapter(each as never);
}

describe('The finder of gateways', () => {
  it('has nothing to do in an application context', () => {
    expect(() => new GatewayFinder(core, modules.container, undefined).start()).not.toThrow();
  });

  it('meets the adapter that is there, and each that is set later once, until it is stopped', () => {
    const [later, last] = [new Adapter(), new Adapter()];
    use();
    const finder = started();
    use(later);
    use(later);
    expect(config.getIoAdapter()).toBe(later);
    adapter.create(1);
    later.create(2);
    expect(attached.mock.calls).toEqual([[{ port: 1 }], [{ port: 2 }]]);
    finder.stop();
    use(last);
    last.create(3);
    expect(attached).toHaveBeenCalledTimes(2);
    expect(config.getIoAdapter()).toBe(last);
  });

  it('leaves alone what others have put in the place of the same when it is stopped', () => {
    const finder = started();
    const theirs = jest.fn<ApplicationConfig['setIoAdapter']>(config.setIoAdapter.bind(config));
    config.setIoAdapter = theirs;
    finder.stop();
    use();
    expect(theirs).toHaveBeenCalledTimes(1);
    adapter.create(1);
    expect(attached).not.toHaveBeenCalled();
    const alone = new ApplicationConfig();
    const { setIoAdapter } = alone;
    const other = new GatewayFinder(core, modules.container, alone);
    other.start();
    other.stop();
    expect(alone.setIoAdapter).toBe(setIoAdapter);
  });

  it('leaves alone what is no adapter, and adds nothing to one that lacks something', () => {
    started();
    const bare = {};
    for (const each of [null, undefined, 'ws', bare]) use(each as object);
    expect(bare).toEqual({});
  });

  it('puts the server under drain, with the HTTP servers that gateways listen on', () => {
    const servers = jest.spyOn(core.servers, 'attach').mockReturnValue(undefined as never);
    const [own, ofPort] = [{}, {}];
    Object.assign(adapter, { httpServer: own, httpServersRegistry: new Map([[8_080, ofPort]]) });
    started();
    use();
    const server = adapter.create(8_080);
    expect(attached).toHaveBeenCalledWith(server);
    expect(servers.mock.calls.map(([each]) => each)).toEqual([own, ofPort]);
    adapter.httpServersRegistry = 'of another version';
    adapter.create(8_081);
    expect(servers).toHaveBeenLastCalledWith(undefined);
  });

  it('looks again for a server that was not ready, until it is', () => {
    attached.mockReturnValueOnce(false).mockReturnValueOnce(false);
    const finder = started();
    use();
    const server = adapter.create(1);
    for (let looks = 0; looks < 3; looks++) finder.look();
    // Once when it was made, once more in vain, and once when it was ready.
    expect(attached.mock.calls).toEqual([[server], [server], [server]]);
  });

  it('counts messages, named by the method that handles one, or by the message where several do', async () => {
    for (const each of [OrdersGateway, StockGateway]) modules.provide(new each(), { metatype: each });
    started();
    use();
    adapter.create(1);
    const given = ['place', 'cancel', 'unknown'].map((message) => ({ message, callback: pass }));
    const { handlers, transform } = adapter.bindMessageHandlers({}, given, () => of('reply')) as {
      handlers: typeof given;
      transform: (result: unknown) => ReturnType<typeof of>;
    };
    for (const { callback } of handlers) transform(callback()).subscribe();
    expect(inFlight()).toEqual(['message OrdersGateway.place', 'message cancel', 'message unknown']);
    gate.current.release();
    await turn();
    expect(inFlight()).toEqual([]);
  });
});

describe('The hooks of gateways', () => {
  /** What Nest does with the gateways that have been provided. */
  function bound(): void {
    started();
    use();
    adapter.create(1);
    adapter.create(1);
  }

  it('are counted, once, until their promises have settled', async () => {
    const gateway = new OrdersGateway();
    modules.provide(gateway, { metatype: OrdersGateway });
    bound();
    gateway.handleConnection({});
    gateway.handleDisconnect({});
    expect(inFlight()).toEqual(['message OrdersGateway.handleConnection', 'message OrdersGateway.handleDisconnect']);
    gate.current.release();
    await turn();
    expect(inFlight()).toEqual([]);
  });

  it('are work of their client, but for what it leaves behind: its own departure does not wait for that', () => {
    const gateway = new OrdersGateway();
    modules.provide(gateway, { metatype: OrdersGateway });
    bound();
    const [coming, leaving] = [{}, {}];
    gateway.handleConnection(coming);
    gateway.handleDisconnect(leaving);
    expect(core.clientWorks.find(coming)?.running).toBe(1);
    expect(core.clientWorks.find(leaving)).toBeUndefined();
    gateway.handleConnection('no object');
    expect(inFlight()).toHaveLength(3);
  });

  it('keep what decorators have said of them, and a gateway without them gets none', () => {
    const gateway = new OrdersGateway();
    Reflect.defineMetadata('role', 'admin', OrdersGateway.prototype.handleConnection);
    modules.provide(gateway, { metatype: OrdersGateway });
    const bare = new StockGateway();
    modules.provide(bare, { metatype: StockGateway });
    bound();
    expect(Reflect.getMetadata('role', gateway.handleConnection)).toBe('admin');
    expect(Object.keys(bare)).toEqual([]);
  });

  it('are left alone where Nest does not call them: of values, of what functions make, and of no gateway', () => {
    class Service {
      handleConnection(_client: object) {
        return pass();
      }
    }
    const [value, made, service] = [new OrdersGateway(), new OrdersGateway(), new Service()];
    modules.provide(value, { metatype: null });
    modules.provide(made, { metatype: OrdersGateway, inject: [] });
    modules.provide(service, { metatype: Service });
    modules.provide(undefined, { metatype: OrdersGateway });
    bound();
    for (const each of [value, made, service]) void each.handleConnection({});
    expect(inFlight()).toEqual([]);
  });

  it('hold nothing where a client leaves gateways that are all made once', () => {
    modules.provide(new OrdersGateway(), { metatype: OrdersGateway });
    bound();
    adapter.bindClientDisconnect({}, () => undefined);
    adapter.disconnect!();
    expect(inFlight()).toEqual([]);
  });

  describe('of request scope', () => {
    @WebSocketGateway()
    class ScopedGateway extends OrdersGateway {}
    const scoped = { metatype: ScopedGateway, isDependencyTreeStatic: () => false };

    it('are counted on whichever instance is made for a client, and on the way to it when one leaves', async () => {
      modules.provide(Object.create(ScopedGateway.prototype), scoped);
      bound();
      new ScopedGateway().handleConnection({});
      expect(inFlight()).toEqual(['message ScopedGateway.handleConnection']);
      const reasons: unknown[] = [];
      adapter.bindClientDisconnect({}, (reason) => reasons.push(reason));
      adapter.disconnect!('gone');
      expect(reasons).toEqual(['gone']);
      expect(inFlight()[1]).toBe('message a gateway of request scope');
      await turn();
      await turn();
      expect(inFlight()).toEqual(['message ScopedGateway.handleConnection']);
    });

    it('are counted once in each application that uses them, and no longer in one that is closed', async () => {
      const cores = [newCore(), newCore()];
      const met: unknown[] = [];
      for (const each of cores) {
        const [ofOne, itsConfig, itsAdapter] = [new FakeModules(), new ApplicationConfig(), new Adapter()];
        ofOne.provide(Object.create(ScopedGateway.prototype), scoped);
        new GatewayFinder(each, ofOne.container, itsConfig).start();
        jest.spyOn(each.webSockets, 'attach').mockReturnValue(true);
        itsConfig.setIoAdapter(itsAdapter as never);
        itsAdapter.create(1);
        met.push(ScopedGateway.prototype.handleConnection);
      }
      // Its class is met once, and not by one application over the other.
      expect(met[1]).toBe(met[0]);
      new ScopedGateway().handleConnection({});
      expect(cores.map((each) => inFlight(each))).toEqual([
        ['message ScopedGateway.handleConnection'],
        ['message ScopedGateway.handleConnection'],
      ]);
      gate.current.release();
      await turn();
      gate.current = new Gate();
      jest.spyOn(cores[0]!, 'phase', 'get').mockReturnValue('closed');
      new ScopedGateway().handleConnection({});
      expect(cores.map((each) => inFlight(each).length)).toEqual([0, 1]);
    });
  });
});
