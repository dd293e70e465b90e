import { type IncomingMessage, type Server } from 'node:http';
import { type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { whenListening } from '../drainables/shared/listener.js';
import { routesOf } from '../in-flight/allow-during-shutdown.decorator.js';
import { ALLOW_DURING_SHUTDOWN } from '../in-flight/metadata.js';
import { type ClockTimer } from '../sequence/clock.js';
import { injectedTokensOf } from './insides/injected-tokens.js';
import { controllersOf } from './insides/modules.js';
import { isHealthCheckService, terminusDelayMs } from './insides/terminus.js';
import { signalSwallower } from './parent-process.js';
import { type ProcessHost } from './process-host.js';
import { areShutdownHooksEnabled, foreignListeners, isListenedFor } from './signals.js';

/** After the application has begun to serve, `main.ts` gets this long to enable shutdown hooks, ms. */
const settleMs = 1_000;
/**
 * Balancers keep idle connections for about this long (AWS ALB and nginx: 60 s); a server that closes first loses the
 * race, ms.
 */
const balancerIdleMs = 60_000;
/** Requests looked at for the headers of a proxy. */
const sampledRequests = 100;

/** What the checks need to know of their application. */
export type CheckedCore = Pick<DrainCore, 'clock' | 'options' | 'isUnderKubernetes' | 'hasNobodyToTell'>;

/**
 * Looks, once the application serves, for what would make a shutdown lose work, and warns of each thing once. Nothing
 * is fatal, and all is silent when the server of HTTP never listens.
 */
export class StartupChecks {
  private timer?: ClockTimer;

  constructor(
    private readonly core: CheckedCore,
    private readonly modules: ModulesContainer,
    private readonly warn: (message: string) => void,
    private readonly host: ProcessHost = process,
    private readonly findSwallower: () => string | undefined = signalSwallower,
  ) {}

  /** Looks when this server listens. */
  watch(server: Server): void {
    whenListening(server, () => {
      this.start();
      this.watchForwarded(server);
    });
  }

  /** The application serves. */
  start(): void {
    if (this.timer) return;
    this.timer = this.core.clock.after(settleMs, () => this.run());
    this.timer.unref?.();
  }

  cancel(): void {
    this.timer?.cancel();
  }

  private run(): void {
    for (const warning of this.warnings()) this.warn(warning);
  }

  private *warnings(): Iterable<string> {
    yield* this.listenerWarnings();
    // Whoever names paths in the options need not mark routes.
    const namesPaths = this.core.options.allowDuringShutdown.length > 0;
    for (const name of namesPaths ? [] : controllersWithUnmarkedHealthChecks(this.modules)) {
      yield (
        `${name} uses HealthCheckService, but none of its routes is marked: during a shutdown they are refused ` +
        'like any other. Put @AllowDuringShutdown() on the controller.'
      );
    }
    const swallower = this.findSwallower();
    if (swallower) {
      yield (
        `PID 1 is '${swallower}', which does not pass SIGTERM on: this process never hears of a shutdown. ` +
        'Start node itself: CMD ["node", "dist/main.js"].'
      );
    }
    const { isUnderKubernetes, hasNobodyToTell, options } = this.core;
    if (isUnderKubernetes && !hasNobodyToTell && options.lameDuck === false) {
      yield (
        'lameDuck is off under Kubernetes: endpoints are removed while the pod is already draining, and ' +
        'requests still on their way are refused. Leave lameDuck on auto.'
      );
    }
    const terminusMs = terminusDelayMs(this.modules);
    if (terminusMs > 0) {
      yield (
        `Terminus waits gracefulShutdownTimeoutMs (${terminusMs} ms) after providers are destroyed, on top of ` +
        'the lame duck. Remove it: the lame duck does its work, in time.'
      );
    }
  }

  private *listenerWarnings(): Iterable<string> {
    if (!isListenedFor('SIGTERM', this.host)) {
      yield (
        'Nobody listens for SIGTERM: the process dies at once, with all that is in flight. Call ' +
        'app.enableShutdownHooks() in main.ts.'
      );
    }
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      // Where Nest does not listen, the application closes itself, in its own listener.
      if (!areShutdownHooksEnabled(signal, this.host)) continue;
      for (const name of foreignListeners(signal, this.host)) {
        yield (
          `A listener beside Nest's waits for ${signal}: ${name}. If it ends the process, it does so in the middle ` +
          'of the drain. ' +
          "Let a provider do its work, in a method with @OnShutdown('releasing')."
        );
      }
    }
  }

  /** Looks at the headers of the first requests to this server. */
  watchForwarded(server: Server): void {
    let left = sampledRequests;
    const look = ({ headers }: IncomingMessage) => {
      const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
      if (isForwarded && server.keepAliveTimeout > 0 && server.keepAliveTimeout < balancerIdleMs) {
        this.warn(
          `keepAliveTimeout is ${server.keepAliveTimeout} ms, and requests come through a proxy: proxies keep idle ` +
            `connections for about ${balancerIdleMs} ms and ` +
            'lose the requests they send as this server closes. Set it above the idle time of the proxy ' +
            '(app.getHttpServer().keepAliveTimeout = 65_000).',
        );
      }
      if (isForwarded || --left === 0) server.off('request', look);
    };
    server.on('request', look);
  }
}

function* controllersWithUnmarkedHealthChecks(modules: ModulesContainer): Iterable<string> {
  for (const { metatype } of controllersOf(modules)) {
    if (typeof metatype !== 'function' || !injectedTokensOf(metatype).some(isHealthCheckService)) continue;
    const prototype = metatype.prototype as Record<string, object>;
    const isMarked = routesOf(prototype).some((name) => Reflect.hasMetadata(ALLOW_DURING_SHUTDOWN, prototype[name]!));
    if (!isMarked) yield metatype.name;
  }
}
