import { type CountedCalls } from '../../../in-flight/counted-calls.js';
import { type Drainable, type Leftover } from '../../../sequence/drainable.js';
import { setImmediate } from '../../../sequence/timers.js';
import { nextPoll } from '../../../sequence/clock.js';
import { overlay } from '../../shared/overlay.js';
import { type EventEmitter2, type Listener, type ListenerOptions } from './event-emitter.js';

/** A listener with `async: true` is called in the next turn, and runs in it. */
const turns = 2;

/**
 * The emitters of @nestjs/event-emitter. An emitter drops the promises of its listeners: here each is in flight until
 * its promise has settled. Nothing is refused: an event that work in flight emits is handled and waited for.
 */
export class EventEmitterDrainable implements Drainable {
  readonly name = 'event emitters';
  /** The listeners, by what stands in for them. */
  private readonly originals = new WeakMap<object, Listener>();
  private readonly deferring = new WeakSet<EventEmitter2>();
  private isDraining = false;

  constructor(private readonly calls: CountedCalls) {}

  /** Counts the listeners that are added from here on. */
  meet(emitter: EventEmitter2): void {
    type On = EventEmitter2['on'];
    for (const method of ['on', 'addListener', 'prependListener']) {
      overlay<On>(emitter, method, (original) => (event, listener, ...rest: [ListenerOptions?]) => {
        // `on(listener)` is for all events, and something else is an error of the emitter's own.
        const isOfEvent = typeof event !== 'function' && typeof listener === 'function';
        if (isDeferred(rest[0])) this.deferring.add(emitter);
        return original.call(emitter, event, isOfEvent ? this.count(listener, nameOf(event)) : listener, ...rest);
      });
    }
    overlay<EventEmitter2['listeners']>(emitter, 'listeners', (original) => (...event) => {
      return original.apply(emitter, event).map((listener) => this.originals.get(listener) ?? listener);
    });
    for (const method of ['emit', 'emitAsync']) {
      overlay<EventEmitter2['emit']>(emitter, method, (original) => (event, ...values) => {
        if (this.isDraining && this.deferring.has(emitter)) this.hold(nameOf(event));
        return original.call(emitter, event, ...values);
      });
    }
  }

  /** Waits until what was emitted before has reached its listeners. */
  async drain(): Promise<void> {
    this.isDraining = true;
    for (let turn = 0; turn < turns; turn++) await nextPoll();
  }

  async forceClose(): Promise<readonly Leftover[]> {
    return [];
  }

  /** The listeners of an event may be called in a turn to come. */
  private hold(name: string): void {
    const end = this.calls.begin('event', name);
    let left = turns;
    const turn = () => (--left === 0 ? end() : void setImmediate(turn));
    setImmediate(turn);
  }

  private count(listener: Listener, name: string): Listener {
    const { calls } = this;
    const counted: Listener & { _origin?: unknown } = function (this: unknown, ...args) {
      return calls.run('event', name, () => listener.apply(this, args));
    };
    // An emitter looks at this when a listener is taken off by `off(event, listener)`, ...
    counted._origin = (listener as { _origin?: unknown })._origin ?? listener;
    // ... and at the class of the function, to know whether it returns a promise.
    Object.setPrototypeOf(counted, Object.getPrototypeOf(listener) as object);
    this.originals.set(counted, listener);
    return counted;
  }
}

/** Reports whether a listener is called in a turn to come. */
function isDeferred(options: ListenerOptions | undefined): boolean {
  if (typeof options === 'boolean') return true;
  return Boolean(options && (options.async || options.nextTick || options.promisify));
}

/** The name of an event, which may be a list of parts, or a symbol. */
function nameOf(event: unknown): string {
  return Array.isArray(event) ? event.map(String).join('.') : String(event);
}
