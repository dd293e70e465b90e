import { type Server } from 'node:http';
import { resolve } from 'node:path';
import { type ApplicationConfig, type ModulesContainer } from '@nestjs/core';
import { Breadcrumb } from '../breadcrumb/breadcrumb.js';
import { takePreviousRuns } from '../breadcrumb/previous-runs.js';
import { type DrainCore } from '../drain-core.js';
import { whenListening } from '../drainables/shared/listener.js';
import { addApplication } from '../in-flight/tracked-runs.js';
import { budgetWarning } from '../options/shutdown-budget.js';
import { ServiceManager } from '../platform/service-manager.js';
import { messageOf } from '../sequence/errors.js';
import { setImmediate } from '../sequence/timers.js';
import { leaveAbortToKernel } from './abort-signal.js';
import { GatewayFinder } from './gateway-finder.js';
import { HookExplorer } from './hook-explorer.js';
import { meetHttpAdapter } from './http-adapter.js';
import { brokenPromises } from './insides/broken-promises.js';
import { isCalledByHandler } from './insides/handler-frames.js';
import { JobFinder } from './job-finder.js';
import { shieldOutput } from './output-shield.js';
import { tellPm2 } from './pm2-ready.js';
import { ProcessEnd } from './process-end.js';
import { SelfWait } from './self-wait.js';
import { Serving } from './serving.js';
import { ShutdownLogger } from './shutdown-logger.js';
import { StartupChecks } from './startup-checks.js';
import { SubscriptionFinder } from './subscription-finder.js';
import { TransportFinder } from './transport-finder.js';

/**
 * The application that each container of modules belongs to. What Nest calls looks its application up here, when it is
 * called: a module that has been compiled twice, as builders of tests may be, keeps the instances of its classes, and
 * must not keep the application of the first time with them.
 */
const applications = new WeakMap<ModulesContainer, DrainedApplication>();

/** The application that these modules make up; none in preview mode, where nothing is instantiated. */
export function applicationOf(modules: ModulesContainer): DrainedApplication | undefined {
  return applications.get(modules);
}

/**
 * One Nest application, as the shutdown meets it: from the making of its providers to Nest's last hook.
 *
 * @internal
 */
export class DrainedApplication {
  private readonly explorer: HookExplorer;
  private readonly process: ProcessEnd;
  private readonly logger: ShutdownLogger;
  private readonly checks: StartupChecks;
  private readonly gateways: GatewayFinder;
  private readonly subscriptions: SubscriptionFinder;
  private readonly transports: TransportFinder;
  private readonly jobs: JobFinder;
  private readonly selfWait: SelfWait;
  private readonly serviceManager: ServiceManager;
  private readonly serving: Serving;
  private adapter?: object;
  private hasServer = false;

  constructor(
    private readonly core: DrainCore,
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig | undefined,
  ) {
    this.explorer = new HookExplorer(modules, core);
    this.process = new ProcessEnd(core);
    this.logger = new ShutdownLogger(() => this.process.isBySignal);
    this.gateways = new GatewayFinder(core, modules, config);
    this.subscriptions = new SubscriptionFinder(core, modules);
    this.transports = new TransportFinder(
      core,
      modules,
      () => this.hasServer,
      () => this.begin(),
      () => this.serving.otherListens(),
    );
    this.jobs = new JobFinder(core, modules);
    this.checks = new StartupChecks(core, modules, (message) => this.warn(message));
    this.selfWait = new SelfWait(core, (message) => this.warn(message));
    this.serviceManager = new ServiceManager({
      clock: core.clock,
      inFlight: () => core.tracker.size,
      warn: (message) => this.warn(message),
      isTheEnd: () => this.process.isMeantAsTheEnd,
      isAside: () => this.process.isAside,
      hardStopAt: () => core.sequence.deadlines.hardStopAt,
      watched: leaveAbortToKernel,
    });
    this.serving = new Serving(core.clock, () => this.serves());
  }

  /** Nest makes the providers. */
  start(): void {
    applications.get(this.modules)?.giveWay();
    applications.set(this.modules, this);
    addApplication(this.core.trackedRuns);
    this.core.events.subscribe(this.logger.log);
    this.core.events.subscribe(this.serviceManager.log);
    const { breadcrumb } = this.core.options;
    if (breadcrumb) new Breadcrumb(resolve(breadcrumb), this.core).start();
    this.transports.start();
    this.gateways.start();
    this.core.servers.meetFurther = (server) => {
      this.checks.watchForwarded(server);
      whenListening(server, () => this.serving.otherListens());
    };
  }

  /** Nest is about to register routes. */
  meetHttp(adapter: object): void {
    this.adapter = adapter;
    const isProcessEnding = () => this.process.ending() !== undefined;
    meetHttpAdapter(adapter, this.core, this.modules, () => this.begin(), isProcessEnding);
    this.subscriptions.meetHttp(adapter);
    const server = (adapter as { getHttpServer?(): Server | undefined }).getHttpServer?.();
    this.hasServer = server !== undefined;
    if (typeof server?.once !== 'function') return;
    this.checks.watch(server);
    whenListening(server, () => this.serving.begin());
  }

  /**
   * Nest is about to run the first init hook. An application that is compiled and never initialised, as in unit tests,
   * does not come here.
   */
  initialising(): void {
    this.jobs.start();
    this.process.start();
  }

  /** Nest has run the init hooks of all modules. @param injecting a class that injects by `@Inject()` */
  bootstrapped(injecting: object): void {
    this.explorer.explore();
    this.findSocketServers();
    const { modules, config, adapter } = this;
    this.jobs.look();
    for (const message of brokenPromises({ modules, config, adapter, injecting })) this.warn(message);
    const { options, transports } = this.core;
    for (const each of [...options.warnings, ...transports.warnings, ...this.jobs.warnings()]) this.warn(each);
    this.tellPreviousRuns();
    this.core.grace.whenKnown(() => this.tellGrace());
    // Of messages and jobs, for nobody waits for a server to listen.
    if (!this.hasServer && this.core.sequence.drains.areThere) this.checks.start();
  }

  /** Nest has run the bootstrap hooks of all modules. */
  started(): void {
    if (this.hasServer) this.serving.started();
    else this.serviceManager.ready();
  }

  /** Resolves when Nest may destroy the first provider. Never rejects. */
  begin(): Promise<void> {
    this.checks.cancel();
    this.findSocketServers();
    try {
      this.explorer.explore();
    } catch (error) {
      // At bootstrap this would have been raised; a shutdown is never stopped by it.
      this.core.events.emit({ type: 'problem', message: messageOf(error) });
    }
    return this.watchHandler(this.process.begin());
  }

  /** Looks who waits for `released`: a handler that closes its own application waits for itself. */
  private async watchHandler(released: Promise<void>): Promise<void> {
    // So long it takes Nest to begin to wait for a handler that has called app.close() at once.
    for (let tick = 0; tick < 4; tick++) await Promise.resolve();
    if (isCalledByHandler()) void this.selfWait.watch('app.close()');
    await released;
  }

  /** Nest has run its last hook. @param signal what it closes for, if anything */
  hostClosed(signal?: string): Promise<void> {
    return this.process.hostClosed(signal);
  }

  /** The same modules are being made into another application: what they tell is told that one from here on. */
  private giveWay(): void {
    this.transports.stop();
    this.gateways.stop();
  }

  private tellPreviousRuns(): void {
    const { events, options } = this.core;
    for (const previous of options.breadcrumb ? takePreviousRuns(resolve(options.breadcrumb)) : []) {
      events.emit({ type: 'previous-run', previous });
    }
  }

  /** How long a shutdown may take, where nobody has said it, and whether its parts fit. */
  private tellGrace(): void {
    const { core } = this;
    if (core.phase !== 'running') return;
    const { now } = core.grace;
    if (now.isAssumed && !core.isDevelopment) {
      this.logger.started(
        `A shutdown may take ${now.ms} ms, until SIGKILL: ${now.source}. gracePeriodMs overrides it.`,
      );
    }
    const { hooks } = core;
    const hooksMs = { lameDuck: hooks.longestMs('lame-duck'), releasing: hooks.longestMs('releasing') };
    const warning = budgetWarning(core.options, now, hooksMs);
    if (warning) this.warn(warning);
  }

  /** An application with a server of HTTP serves. */
  private serves(): void {
    if (this.core.phase !== 'running') return;
    this.checks.start();
    this.serviceManager.ready();
    tellPm2();
  }

  private findSocketServers(): void {
    this.gateways.look();
    this.subscriptions.look();
  }

  private warn(message: string): void {
    const unshield = shieldOutput();
    this.logger.warn(message);
    setImmediate(unshield);
  }
}
