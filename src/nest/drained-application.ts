import { type Server } from 'node:http';
import { type ApplicationConfig, type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { nextPoll } from '../drainables/shared/turns.js';
import { budgetWarning } from '../options/shutdown-budget.js';
import { messageOf } from '../sequence/errors.js';
import { GatewayFinder } from './gateway-finder.js';
import { SubscriptionFinder } from './subscription-finder.js';
import { HookExplorer } from './hook-explorer.js';
import { meetHttpAdapter } from './http-adapter.js';
import { shieldOutput } from './output-shield.js';
import { ProcessEnd } from './process-end.js';
import { type ApplicationLifecycle } from './seams.js';
import { ShutdownLogger } from './shutdown-logger.js';
import { StartupChecks } from './startup-checks.js';

/**
 * One Nest application's life, as the shutdown meets it: from the constructor of its module to Nest's last hook.
 *
 * @internal
 */
export class DrainedApplication implements ApplicationLifecycle {
  private readonly explorer: HookExplorer;
  private readonly process: ProcessEnd;
  private readonly logger = new ShutdownLogger();
  private readonly checks: StartupChecks;
  private readonly gateways: GatewayFinder;
  private readonly graphql: SubscriptionFinder;
  private hasServer = false;

  constructor(
    private readonly core: DrainCore,
    private readonly modules: ModulesContainer,
    config: ApplicationConfig | undefined,
  ) {
    this.explorer = new HookExplorer(modules, core);
    this.process = new ProcessEnd(core);
    this.gateways = new GatewayFinder(core, modules, config);
    this.graphql = new SubscriptionFinder(core, modules);
    this.checks = new StartupChecks(core, modules, (message) => this.warn(message));
  }

  start(): void {
    this.core.events.subscribe(this.logger.log);
    this.drainBeforeTransportsClose();
    this.gateways.start();
  }

  meetHttp(adapter: object): void {
    const isProcessEnding = () => this.process.ending() !== undefined;
    meetHttpAdapter(adapter, this.core, this.modules, () => this.begin(), isProcessEnding);
    this.graphql.meetHttp(adapter);
    const server = (adapter as { getHttpServer?(): Server | undefined }).getHttpServer?.();
    this.hasServer = server !== undefined;
    if (typeof server?.once === 'function') this.checks.watch(server);
  }

  initialising(): void {
    this.process.start();
  }

  bootstrapped(): void {
    this.explorer.explore();
    this.findSocketServers();
    const warning = budgetWarning(this.core.options, this.core.hooks.longestMs('releasing'));
    for (const each of [...this.core.options.warnings, ...(warning ? [warning] : [])]) this.warn(each);
  }

  begin(): Promise<void> {
    this.checks.cancel();
    this.findSocketServers();
    try {
      this.explorer.explore();
    } catch (error) {
      // At bootstrap this would have been raised; a shutdown is never stopped by it.
      this.core.events.emit({ type: 'problem', message: messageOf(error) });
    }
    return this.process.begin();
  }

  hostClosed(signal?: string): Promise<void> {
    return this.process.hostClosed(signal);
  }

  private findSocketServers(): void {
    this.gateways.look();
    this.graphql.look();
  }

  private warn(message: string): void {
    const unshield = shieldOutput();
    this.logger.warn(message);
    setImmediate(unshield);
  }

  /** A standalone microservice closes its transport before any hook runs. */
  private drainBeforeTransportsClose(): void {
    this.modules.getRpcTargetRegistry<{ close?: (...args: unknown[]) => unknown }>().subscribe((server) => {
      const close = server.close;
      if (typeof close !== 'function') return;
      server.close = async (...args: unknown[]): Promise<unknown> => {
        if (!this.hasServer) await this.begin();
        // A handler ends before its answer is handed to the transport.
        await nextPoll();
        return close.apply(server, args);
      };
    });
  }
}
