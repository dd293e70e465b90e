import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type EventBus,
  type EventHandler,
  type HandlerWrapper,
} from '../../../../../src/drainables/jobs/cqrs/buses.js';
import { countCommands, countEventHandlers } from '../../../../../src/drainables/jobs/cqrs/count-cqrs.js';
import { Gate } from '../../../../support/gate.js';
import { counting } from '../counting.js';

class OrderPlaced {}
class ShipOrder {}

class PlacedHandler implements EventHandler {
  constructor(private readonly work: (event: object) => unknown) {}
  handle(event: object) {
    return this.work(event);
  }
}

interface FakeWrapper extends HandlerWrapper {
  isDependencyTreeStatic(): boolean;
}

/** Calls its handlers as the bus of Nest does. */
class FakeEventBus implements EventBus {
  moduleRef?: EventBus['moduleRef'];
  private readonly bound: (() => Promise<unknown>)[] = [];

  bind(handler: FakeWrapper): void {
    this.bound.push(async () => {
      if (handler.isDependencyTreeStatic()) return handler.instance!.handle(new OrderPlaced());
      return (await this.moduleRef!.resolve(handler.metatype, 1, {})).handle(new OrderPlaced());
    });
  }

  publish(): Promise<unknown>[] {
    return this.bound.map((call) => call());
  }
}

describe('The buses of CQRS', () => {
  let counted: ReturnType<typeof counting>;
  let gate: Gate;

  beforeEach(() => {
    counted = counting();
    gate = new Gate();
  });

  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('have each command counted until its promise has settled', async () => {
    const bus = { execute: (_command: object, ..._rest: unknown[]) => gate.pass().then(() => 'shipped') };
    countCommands(bus, counted.calls);
    const executed = bus.execute(new ShipOrder());
    expect(counted.inFlight()).toEqual(['command ShipOrder']);
    gate.release();
    expect(await executed).toBe('shipped');
    expect(counted.inFlight()).toEqual([]);
  });

  it('raise and reject as they would, and hand on what is given', async () => {
    const execute = jest.fn((command: object, ..._rest: unknown[]): Promise<unknown> => {
      if (command instanceof OrderPlaced) throw new Error('no handler');
      return Promise.reject(new Error('no stock'));
    });
    const bus = { execute };
    countCommands(bus, counted.calls);
    await expect(bus.execute(new ShipOrder(), 'context')).rejects.toThrow('no stock');
    expect(execute).toHaveBeenCalledWith(expect.any(ShipOrder), 'context');
    expect(() => bus.execute(new OrderPlaced())).toThrow('no handler');
    await expect(bus.execute(Object.create(null) as object)).rejects.toThrow('no stock');
    expect(counted.inFlight()).toEqual([]);
  });

  it('have each handler of an event counted, however many events it handles', async () => {
    const bus = new FakeEventBus();
    countEventHandlers(bus, counted.calls);
    const instance = new PlacedHandler(() => gate.pass());
    const wrapper = { instance, isDependencyTreeStatic: () => true };
    bus.bind(wrapper);
    bus.bind(wrapper);
    const handled = bus.publish();
    await turn();
    expect(counted.inFlight()).toEqual(['event PlacedHandler.handle', 'event PlacedHandler.handle']);
    gate.release();
    await Promise.all(handled);
    expect(counted.inFlight()).toEqual([]);
    expect(Object.keys(instance)).toEqual(['work']);
  });

  it('have no handler of request scope counted any longer that could not be made', async () => {
    const bus = new FakeEventBus();
    bus.moduleRef = { resolve: () => Promise.reject(new Error('no database')) };
    countEventHandlers(bus, counted.calls);
    bus.bind({ metatype: PlacedHandler, isDependencyTreeStatic: () => false });
    const [handled] = bus.publish();
    expect(counted.inFlight()).toEqual(['event a handler of request scope']);
    await expect(handled).rejects.toThrow('no database');
    await turn();
    expect(counted.inFlight()).toEqual([]);
  });

  it('are left all else that makes their handlers', () => {
    const bus = new FakeEventBus();
    const moduleRef = { resolve: () => Promise.reject(new Error('no database')), get: () => 'a provider' };
    bus.moduleRef = moduleRef;
    countEventHandlers(bus, counted.calls);
    expect((bus.moduleRef as typeof moduleRef).get()).toBe('a provider');
  });

  it('have a handler of request scope counted from when it is made', async () => {
    const bus = new FakeEventBus();
    const making = new Gate();
    bus.moduleRef = { resolve: () => making.pass().then(() => new PlacedHandler(() => gate.pass())) };
    countEventHandlers(bus, counted.calls);
    bus.bind({ metatype: PlacedHandler, isDependencyTreeStatic: () => false });
    const handled = bus.publish();
    await making.entered;
    expect(counted.inFlight()).toEqual(['event a handler of request scope']);
    making.release();
    await gate.entered;
    // From here on by itself: there was no turn in which nothing was in flight.
    expect(counted.inFlight()).toEqual(['event a handler of request scope', 'event PlacedHandler.handle']);
    gate.release();
    await Promise.all(handled);
    await turn();
    expect(counted.inFlight()).toEqual([]);
  });
});
