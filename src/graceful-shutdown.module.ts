import {
  type DynamicModule,
  type InjectionToken,
  Module,
  type ModuleMetadata,
  type NestModule,
  type OnApplicationBootstrap,
  type OptionalFactoryDependency,
  type Provider,
  type Type,
} from '@nestjs/common';
import { Inject } from '@nestjs/common';
import { APP_INTERCEPTOR, ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { DrainCore } from './drain-core.js';
import { GracefulShutdown } from './graceful-shutdown.js';
import { InFlightInterceptor } from './in-flight/in-flight.interceptor.js';
import { DRAIN_CORE, DRAIN_OPTIONS } from './in-flight/tokens.js';
import { DrainedApplication } from './nest/drained-application.js';
import { checkThereIsOne, moduleMark } from './nest/one-module.js';
import { FirstSeamModule, LastSeamModule } from './nest/seams.js';
import { APPLICATION_LIFECYCLE } from './nest/tokens.js';
import { type GracefulShutdownOptions, type ResolvedOptions } from './options/options.js';
import { resolveOptions } from './options/resolve-options.js';
import { ReadinessHealthIndicator } from './readiness/readiness.health-indicator.js';
import { DrainError } from './sequence/errors.js';

/**
 * Makes the options of `forRootAsync({ useClass })` and `useExisting`.
 *
 * @publicApi
 */
export interface GracefulShutdownOptionsFactory {
  createGracefulShutdownOptions(): Promise<number | GracefulShutdownOptions> | number | GracefulShutdownOptions;
}

/**
 * Options that come from other providers. Give one of `useFactory`, `useClass` and `useExisting`.
 *
 * @publicApi
 */
export interface GracefulShutdownAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  readonly useFactory?: (
    ...args: never[]
  ) => Promise<number | GracefulShutdownOptions> | number | GracefulShutdownOptions;
  readonly useClass?: Type<GracefulShutdownOptionsFactory>;
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
 * Global; import it once. A SIGTERM then fails readiness, keeps serving until traffic has gone away, refuses what still arrives, finishes what is in
 * flight, and only then lets Nest destroy its providers. `app.close()` does the same without the wait for traffic to leave.
 *
 * @publicApi
 */
@Module({})
export class GracefulShutdownModule implements NestModule, OnApplicationBootstrap {
  /** @internal */
  static readonly [moduleMark] = true;

  /** Nest calls it. @internal */
  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(APPLICATION_LIFECYCLE) private readonly lifecycle: DrainedApplication,
  ) {
    checkThereIsOne(GracefulShutdownModule, modules);
    lifecycle.start();
  }

  /**
   * @param options the drain timeout in ms, or all options. Every one has a default.
   * @throws DrainError `DRAIN_INVALID_OPTION`: what was expected, what came, what to do
   */
  static forRoot(options?: number | GracefulShutdownOptions): DynamicModule {
    const resolved = resolveOptions(options);
    return assemble({ provide: DRAIN_OPTIONS, useValue: resolved }, resolved.httpTracking, {});
  }

  /**
   * @throws DrainError `DRAIN_INVALID_OPTION` when none, or more than one, of `useFactory`, `useClass` and `useExisting` is given; what the factory returns is
   * checked at bootstrap
   */
  static forRootAsync(options: GracefulShutdownAsyncOptions): DynamicModule {
    const { imports, httpTracking = 'routes' } = options;
    const [provider, ...further] = optionsProviders(options, httpTracking);
    return assemble(provider!, httpTracking, { imports, providers: further });
  }

  /** Nest calls it before it registers routes. */
  configure(): void {
    const adapter = this.adapterHost.httpAdapter as object | undefined;
    if (adapter) this.lifecycle.meetHttp(adapter);
  }

  /** Nest calls it when the application has started. */
  onApplicationBootstrap(): void {
    this.lifecycle.bootstrapped();
  }
}

function assemble(
  options: Provider,
  httpTracking: string,
  { imports = [], providers = [] }: ModuleMetadata,
): DynamicModule {
  return {
    module: GracefulShutdownModule,
    global: true,
    imports: [...imports, FirstSeamModule, LastSeamModule],
    providers: [
      ...providers,
      options,
      {
        provide: DRAIN_CORE,
        useFactory: (resolved: ResolvedOptions) => new DrainCore(resolved),
        inject: [DRAIN_OPTIONS],
      },
      {
        provide: APPLICATION_LIFECYCLE,
        useFactory: (core: DrainCore, modules: ModulesContainer, config: ApplicationConfig | undefined) =>
          new DrainedApplication(core, modules, config),
        inject: [DRAIN_CORE, ModulesContainer, ApplicationConfig],
      },
      GracefulShutdown,
      ReadinessHealthIndicator,
      InFlightInterceptor,
      ...(httpTracking === 'interceptor' ? [{ provide: APP_INTERCEPTOR, useExisting: InFlightInterceptor }] : []),
    ],
    exports: [GracefulShutdown, ReadinessHealthIndicator, InFlightInterceptor, DRAIN_CORE, APPLICATION_LIFECYCLE],
  };
}

function optionsProviders(options: GracefulShutdownAsyncOptions, httpTracking: 'routes' | 'interceptor'): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const given = [useFactory, useClass, useExisting].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new DrainError(
      'DRAIN_INVALID_OPTION',
      `GracefulShutdownModule.forRootAsync(): expected one of useFactory, useClass and useExisting, got ${given.length}. Give one of them.`,
    );
  }
  const resolve = (result: number | GracefulShutdownOptions): ResolvedOptions => {
    const resolved = resolveOptions(result);
    if (typeof result === 'object' && result.httpTracking && result.httpTracking !== httpTracking) {
      throw new DrainError(
        'DRAIN_INVALID_OPTION',
        `GracefulShutdownModule.forRootAsync(): expected httpTracking beside the factory, got '${result.httpTracking}' in its result. ` +
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
