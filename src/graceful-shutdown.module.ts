import {
  type DynamicModule,
  type InjectionToken,
  Module,
  type ModuleMetadata,
  type NestModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  type OptionalFactoryDependency,
  type Provider,
  type Type,
} from '@nestjs/common';
import { Inject } from '@nestjs/common';
import {
  APP_INTERCEPTOR,
  ApplicationConfig,
  HttpAdapterHost,
  ModulesContainer,
  NestApplicationContext,
} from '@nestjs/core';
import { DrainCore } from './drain-core.js';
import { GracefulShutdown } from './graceful-shutdown.js';
import { rememberCore } from './in-flight/core-of.js';
import { DRAIN_CORE, DRAIN_OPTIONS, DRAIN_SHUTDOWN } from './in-flight/tokens.js';
import { DrainFirstModule } from './nest/drain-first.module.js';
import { applicationOf, DrainedApplication } from './nest/drained-application.js';
import { InFlightInterceptor } from './nest/in-flight.interceptor.js';
import { placeModule } from './nest/insides/modules.js';
import { recogniseListenersOf } from './nest/insides/shutdown-hooks.js';
import { checkThereIsOne, moduleMark } from './nest/one-module.js';
import { isWatched } from './nest/watcher.js';
import { type GracefulShutdownOptions, type ResolvedOptions } from './options/options.js';
import { resolveOptions } from './options/resolve-options.js';
import { sharedSocketOf } from './platform/shared-socket.js';
import { supervisedWorker } from './platform/supervised-worker.js';
import { ReadinessHealthIndicator } from './readiness/readiness.health-indicator.js';
import { DrainError } from './sequence/errors.js';

/**
 * Makes the options of `forRootAsync({ useClass })` and `useExisting`.
 *
 * @publicApi
 */
export interface GracefulShutdownOptionsFactory {
  /** Makes the options, or the drain timeout in ms. They are checked at bootstrap. */
  createGracefulShutdownOptions(): Promise<number | GracefulShutdownOptions> | number | GracefulShutdownOptions;
}

/**
 * Options that come from other providers. Give one of `useFactory`, `useClass` and `useExisting`.
 *
 * @publicApi
 */
export interface GracefulShutdownAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** The providers that `useFactory` is given, in order. @default none */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  /** Makes the options, or the drain timeout in ms. */
  readonly useFactory?: (
    ...args: never[]
  ) => Promise<number | GracefulShutdownOptions> | number | GracefulShutdownOptions;
  /** A class that makes the options; Nest creates it. */
  readonly useClass?: Type<GracefulShutdownOptionsFactory>;
  /** The token of a provider that makes the options, out of one of `imports`. */
  readonly useExisting?: InjectionToken;
  /** Here, and not in the factory's result: an interceptor is installed before the factory runs. @default 'routes' */
  readonly httpTracking?: 'routes' | 'interceptor';
}

/**
 * Stops a Nest application without losing anything.
 *
 * ```ts
 * @Module({ imports: [GracefulShutdownModule.forRoot(10_000)] }) // drain timeout, ms
 * export class AppModule {}
 *
 * const app = await NestFactory.create(AppModule);
 * app.enableShutdownHooks();
 * await app.listen(3000);
 * ```
 *
 * Global; import it once. A SIGTERM then fails readiness, keeps serving until traffic has gone away, refuses what still
 * arrives, finishes what is in flight, and only then lets Nest destroy its providers. `app.close()` does the same
 * without the wait for traffic to leave.
 *
 * @publicApi
 */
@Module({})
export class GracefulShutdownModule implements NestModule, OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  /** @internal */
  static readonly [moduleMark] = true;

  /** Nest calls it. @internal */
  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /**
   * The module with options that are known now.
   *
   * @param options the drain timeout in ms, or all options. Every one has a default.
   * @throws DrainError `DRAIN_INVALID_OPTION`: what was expected, what came, what to do
   */
  static forRoot(options?: number | GracefulShutdownOptions): DynamicModule {
    const resolved = resolveOptions(options);
    return assemble({ provide: DRAIN_OPTIONS, useValue: resolved }, resolved.httpTracking, {});
  }

  /**
   * The module with options that other providers make.
   *
   * @throws DrainError `DRAIN_INVALID_OPTION` when none, or more than one, of `useFactory`, `useClass` and
   * `useExisting` is given; what the factory returns is checked at bootstrap
   */
  static forRootAsync(options: GracefulShutdownAsyncOptions): DynamicModule {
    const { imports, httpTracking = 'routes' } = options;
    const [provider, ...further] = optionsProviders(options, httpTracking);
    return assemble(provider!, httpTracking, { imports, providers: further });
  }

  /** Comes before the init hooks of all other modules. */
  onModuleInit(): void {
    this.application?.initialising();
  }

  /** Nest calls it before it registers routes. */
  configure(): void {
    const adapter = this.adapterHost.httpAdapter as object | undefined;
    if (adapter) this.application?.meetHttp(adapter);
  }

  /** Nest calls it when the application has started. */
  onApplicationBootstrap(): void {
    this.application?.bootstrapped(GracefulShutdownModule);
  }

  /** Comes after the hooks of all other modules. @param signal what Nest closes for, if anything */
  async onApplicationShutdown(signal?: string): Promise<void> {
    await this.application?.hostClosed(signal);
  }

  private get application(): DrainedApplication | undefined {
    return applicationOf(this.modules);
  }
}

/**
 * Nest has a `ConfigurableModuleBuilder` for this. It is not used, for `forRoot(10_000)` would lose its number (the
 * builder copies options as an object), `useExisting` would take classes alone, and options that are wrong would be
 * told of when the application starts, and not where `forRoot()` is called; both methods would be overridden whole.
 */
function assemble(
  options: Provider,
  httpTracking: string,
  { imports = [], providers = [] }: ModuleMetadata,
): DynamicModule {
  return {
    module: GracefulShutdownModule,
    global: true,
    imports: [...imports, DrainFirstModule],
    providers: [
      ...providers,
      options,
      {
        provide: DRAIN_CORE,
        useFactory: startApplication,
        inject: [DRAIN_OPTIONS, ModulesContainer, ApplicationConfig],
      },
      GracefulShutdown,
      { provide: DRAIN_SHUTDOWN, useExisting: GracefulShutdown },
      ReadinessHealthIndicator,
      InFlightInterceptor,
      ...(httpTracking === 'interceptor' ? [{ provide: APP_INTERCEPTOR, useExisting: InFlightInterceptor }] : []),
    ],
    exports: [GracefulShutdown, DRAIN_SHUTDOWN, ReadinessHealthIndicator, InFlightInterceptor],
  };
}

/** Runs once for each application: the dynamic module may belong to several. */
function startApplication(
  options: ResolvedOptions,
  modules: ModulesContainer,
  config: ApplicationConfig | undefined,
): DrainCore {
  checkThereIsOne(GracefulShutdownModule, modules);
  // Nest sorts the modules before the first init hook: it must happen while providers are made.
  placeModule(modules, DrainFirstModule, -1);
  placeModule(modules, GracefulShutdownModule, Infinity);
  recogniseListenersOf(NestApplicationContext);
  const isDevelopment = options.development === 'auto' ? isWatched() : options.development;
  const core = new DrainCore(options, undefined, undefined, isDevelopment, sharedSocketOf());
  rememberCore(modules, core);
  const supervised = supervisedWorker();
  if (supervised) supervised.drainsItself = true;
  new DrainedApplication(core, modules, config).start();
  return core;
}

function optionsProviders(options: GracefulShutdownAsyncOptions, httpTracking: 'routes' | 'interceptor'): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const given = [useFactory, useClass, useExisting].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new DrainError(
      'DRAIN_INVALID_OPTION',
      'GracefulShutdownModule.forRootAsync(): expected one of useFactory, useClass and useExisting, got ' +
        `${given.length}. Give one of them.`,
    );
  }
  const resolve = (result: number | GracefulShutdownOptions): ResolvedOptions => {
    const resolved = resolveOptions(result);
    if (typeof result === 'object' && result.httpTracking && result.httpTracking !== httpTracking) {
      throw new DrainError(
        'DRAIN_INVALID_OPTION',
        'GracefulShutdownModule.forRootAsync(): expected httpTracking beside the factory, got ' +
          `'${result.httpTracking}' in its result. ` +
          'Interceptors are installed before the factory runs: move it up.',
      );
    }
    return { ...resolved, httpTracking };
  };
  if (useFactory) {
    const factory = useFactory as (...args: unknown[]) => Promise<number | GracefulShutdownOptions>;
    return [
      { provide: DRAIN_OPTIONS, useFactory: async (...args: unknown[]) => resolve(await factory(...args)), inject },
    ];
  }
  const token = useClass ?? useExisting!;
  const fromFactory: Provider = {
    provide: DRAIN_OPTIONS,
    useFactory: async (factory: GracefulShutdownOptionsFactory) =>
      resolve(await factory.createGracefulShutdownOptions()),
    inject: [token],
  };
  return useClass ? [fromFactory, useClass] : [fromFactory];
}
