import { classOf } from '../../../in-flight/class-of.js';
import { type CountedCalls } from '../../../in-flight/counted-calls.js';
import { setImmediate } from '../../../sequence/timers.js';
import { isObject } from '../../shared/is-object.js';
import { overlay } from '../../shared/overlay.js';
import { type CommandBus, type EventBus, type EventHandler } from './buses.js';

/**
 * Counts the commands that a bus executes, sagas' included: each is in flight until its promise has settled. None is
 * refused, for what executes it is in flight itself, or has been.
 */
export function countCommands(bus: CommandBus, calls: CountedCalls): void {
  overlay<CommandBus['execute']>(bus, 'execute', (original) => (command, ...rest) => {
    return calls.run('command', classNameOf(command, 'a command'), () => original.call(bus, command, ...rest));
  });
}

/**
 * Counts the handlers of events that a bus is given: it subscribes to them, and nobody waits for their promises. Met
 * before bootstrap. One of request scope is in flight from when it is made.
 */
export function countEventHandlers(bus: EventBus, calls: CountedCalls): void {
  const counted = new WeakSet<object>();
  const count = (handler: EventHandler) => {
    if (counted.has(handler)) return;
    counted.add(handler);
    const name = `${classNameOf(handler, 'a handler')}.handle`;
    overlay<EventHandler['handle']>(handler, 'handle', (original) => (event) => {
      return calls.run('event', name, () => original.call(handler, event));
    });
  };
  overlay<EventBus['bind']>(bus, 'bind', (original) => (handler, id) => {
    if (handler.instance) count(handler.instance);
    return original.call(bus, handler, id);
  });
  const { moduleRef } = bus;
  if (!moduleRef) return;
  bus.moduleRef = Object.create(moduleRef, {
    resolve: {
      value: async (metatype: unknown, ...rest: unknown[]) => {
        const end = calls.begin('event', 'a handler of request scope');
        try {
          const handler = await moduleRef.resolve(metatype, ...rest);
          count(handler);
          return handler;
        } finally {
          // The bus calls it in the ticks that follow.
          setImmediate(end);
        }
      },
    },
  }) as typeof moduleRef;
}

function classNameOf(value: unknown, otherwise: string): string {
  return (isObject(value) && classOf(Object.getPrototypeOf(value))?.name) || otherwise;
}
