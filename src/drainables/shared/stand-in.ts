import { type EventEmitter } from 'node:events';

/** Sees an event before its listeners do. Returns true when they are not to hear of it. */
export type Decider = (...args: never[]) => boolean | void;

type AnyDecider = (first: unknown, second: unknown, third: unknown, fourth: unknown) => boolean | void;

/**
 * Stands in for the listeners of a server: sees its events first, and decides which of them its listeners hear of.
 *
 * The server's `emit()` is overlaid, and no listener is added: Node looks at how many listeners an event has to decide
 * what it does with upgrades and with `Expect`, and frameworks take the listeners of a server off and put their own in
 * their place. Listeners may come and go as they like, and a prepended listener that answers would not keep the others
 * from answering too.
 */
export class StandIn {
  private readonly deciders = new Map<string | symbol, AnyDecider>();

  constructor(server: EventEmitter) {
    const { deciders } = this;
    const prototype = Object.getPrototypeOf(server) as EventEmitter;
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the server again
    const own = Object.hasOwn(server, 'emit') ? server.emit : undefined;
    // The declared parameters are what deciders are given; `arguments` passes on as many as there were, and costs
    // nothing.
    function emit(this: EventEmitter, event: string | symbol, a?: unknown, b?: unknown, c?: unknown, d?: unknown) {
      const decide = deciders.get(event);
      if (decide !== undefined && decide(a, b, c, d) === true) return true;
      // eslint-disable-next-line prefer-rest-params
      return (own ?? prototype.emit).apply(this, arguments as unknown as Parameters<EventEmitter['emit']>);
    }
    Object.defineProperty(server, 'emit', { value: emit, writable: true, configurable: true, enumerable: false });
  }

  /** Has `decide` see each `event` before the listeners of the server do. */
  before(event: string, decide: Decider): this {
    this.deciders.set(event, decide as AnyDecider);
    return this;
  }
}
