import { type ApplicationConfig, type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { ClientWork, endAfterTurn, Message } from '../drainables/websockets/client-work.js';
import { countMessages } from '../drainables/websockets/message-seam.js';
import { isObject } from '../drainables/shared/is-object.js';
import { nextPoll } from '../sequence/clock.js';
import { copyFunction } from '../in-flight/metadata.js';
import { methodsOf } from '../in-flight/methods-of.js';
import {
  httpServersOf,
  isGateway,
  messageHandledBy,
  type SocketAdapter,
  watchSocketAdapters,
} from './insides/gateways.js';
import { providersOf } from './insides/modules.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Gateway = Record<string, unknown>;

const hooks = ['handleConnection', 'handleDisconnect'] as const;

/** The applications that use a gateway class of request scope. It does not keep them. */
const appsOf = new WeakMap<object, Set<WeakRef<GatewayFinder>>>();

/**
 * Meets the WebSocket gateways: through the adapter that Nest asks for their servers, whichever it is, and binds their
 * messages with.
 *
 * Nest makes gateways while the application initialises, before the module's `configure()`, and makes the default
 * adapter then: it is met when it is set.
 *
 * @see https://docs.nestjs.com/websockets/adapter
 */
export class GatewayFinder {
  private readonly met = new WeakSet<object>();
  private readonly names = new Map<unknown, string>();
  /** Servers that had no engine yet: a socket.io server that is attached to an HTTP server later. */
  private readonly unready = new Set<unknown>();
  private hasScoped = false;
  /** Meets no further adapters. */
  stop: () => void = () => undefined;

  constructor(
    private readonly core: DrainCore,
    private readonly modules: ModulesContainer,
    /** None in an application context, which has no gateways. */
    private readonly config: ApplicationConfig | undefined,
  ) {}

  start(): void {
    if (this.config) this.stop = watchSocketAdapters(this.config, (adapter) => this.meet(adapter));
  }

  /** Looks again for what was not ready when its gateway was made. */
  look(): void {
    for (const server of this.unready) if (this.core.webSockets.attach(server)) this.unready.delete(server);
  }

  private meet(value: unknown): void {
    if (!isObject(value) || this.met.has(value)) return;
    this.met.add(value);
    const adapter = value as SocketAdapter;
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the adapter again
    const { create, bindMessageHandlers, bindClientDisconnect } = adapter;
    if (typeof create === 'function') {
      adapter.create = (port, ...rest) => {
        const server = create.call(adapter, port, ...rest);
        this.attach(server, adapter, port);
        this.countHooks();
        return server;
      };
    }
    if (typeof bindMessageHandlers === 'function') {
      adapter.bindMessageHandlers = (client, handlers, transform) => {
        const counted = countMessages(this.core.clientWorks, client, { handlers, transform }, this.nameOf);
        return bindMessageHandlers.call(adapter, client, counted.handlers, counted.transform);
      };
    }
    if (typeof bindClientDisconnect === 'function') {
      adapter.bindClientDisconnect = (client, callback) =>
        bindClientDisconnect.call(adapter, client, (reason) => {
          callback(reason);
          this.holdForPoll();
        });
    }
  }

  /**
   * Where a gateway is of request scope, one is made for the disconnect of each client, in the turns that follow: this
   * holds the drain until its hook does.
   */
  private holdForPoll(): void {
    if (this.hasScoped) void this.during(undefined, 'a gateway of request scope', true, nextPoll);
  }

  private attach(server: unknown, adapter: SocketAdapter, port: number): void {
    const { servers, webSockets } = this.core;
    for (const httpServer of httpServersOf(adapter, port)) servers.attach(httpServer);
    if (!webSockets.attach(server)) this.unready.add(server);
  }

  /** Nest binds the hooks of a gateway right after it has asked for its server. */
  private countHooks(): void {
    for (const wrapper of providersOf(this.modules)) {
      const { metatype, inject, instance } = wrapper;
      if (typeof metatype !== 'function' || inject !== undefined) continue;
      if (!isObject(instance) || this.met.has(instance) || !isGateway(metatype)) continue;
      this.met.add(instance);
      this.learnNames(metatype);
      if (wrapper.isDependencyTreeStatic()) countOn(instance as Gateway, metatype.name, () => [this]);
      else this.countOnPrototype(metatype);
    }
  }

  /**
   * One of request scope has an instance for each client, made when its hook is called, and by nobody we meet: the
   * hooks are counted on its class. Providers of its own that take longer than a turn to be made are not waited for.
   */
  private countOnPrototype(metatype: object): void {
    const { prototype, name } = metatype as { prototype: Gateway; name: string };
    this.hasScoped = true;
    const apps = appsOf.get(prototype);
    const ref = new WeakRef<GatewayFinder>(this);
    if (apps) return void apps.add(ref);
    const all = new Set([ref]);
    appsOf.set(prototype, all);
    countOn(prototype, name, () => GatewayFinder.runningOf(all));
  }

  /** The applications among `all` that are neither closed nor gone. */
  private static runningOf(all: Set<WeakRef<GatewayFinder>>): readonly GatewayFinder[] {
    return [...all].flatMap((ref) => {
      const app = ref.deref();
      if (app && app.core.phase !== 'closed') return app;
      all.delete(ref);
      return [];
    });
  }

  /** @internal */
  during(client: unknown, name: string, isLeaving: boolean, run: () => unknown): unknown {
    const { clientWorks: works } = this.core;
    // What a client leaves behind is in-flight work, yet none that its own departure waits for.
    const work = isLeaving || !isObject(client) ? new ClientWork() : works.of(client);
    const hook = new Message(name, works.clock.now(), work, works.tracker);
    hook.run();
    return endAfterTurn(run, () => hook.ran());
  }

  private learnNames(metatype: { readonly name: string; readonly prototype: unknown }): void {
    for (const [name, method] of methodsOf(metatype.prototype as object)) {
      const message: unknown = messageHandledBy(method);
      if (message !== undefined) this.names.set(message, this.names.has(message) ? '' : `${metatype.name}.${name}`);
    }
  }

  /** The handler, where only one handles the message. */
  private readonly nameOf = (message: unknown): string => this.names.get(message) || String(message);
}

/** Counts the hooks that `target` has. Nest drops the promise of one. */
function countOn(target: Gateway, className: string, apps: () => Iterable<GatewayFinder>): void {
  for (const name of hooks) {
    const hook = target[name];
    if (typeof hook !== 'function') continue;
    target[name] = copyFunction(hook as Method, function (this: unknown, ...args: unknown[]): unknown {
      let run = () => (hook as Method).apply(this, args);
      for (const app of apps()) {
        const inner = run;
        run = () => app.during(args[0], `${className}.${name}`, name === 'handleDisconnect', inner);
      }
      return run();
    });
  }
}
