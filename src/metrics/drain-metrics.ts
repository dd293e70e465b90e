import { type FactoryProvider } from '@nestjs/common';
import { type ShutdownSnapshot } from '../in-flight/snapshot.js';
import { DRAIN_SHUTDOWN } from '../in-flight/tokens.js';
import { type ShutdownEvent } from '../sequence/events.js';
import { type Flushable, flushOf } from './flush.js';
import { installedApi, meter, type OpenTelemetryApi, spansThrough } from './open-telemetry.js';
import { type PrometheusClient, registerWithPrometheus } from './prometheus.js';
import { Seen } from './seen.js';

/**
 * Where metrics and spans go.
 *
 * @publicApi
 */
export interface DrainMetricsOptions {
  /** The API of OpenTelemetry, or `false` for none. @default the one that the application has installed, if it has */
  readonly openTelemetry?: OpenTelemetryApi | false;
  /** `prom-client`. @default none */
  readonly prometheus?: PrometheusClient;
  /** The registry of `prom-client`. @default its `register` */
  readonly registry?: object;
  /** What sends the last metrics and spans, when the report is there and before the process ends. @default none */
  readonly flush?: Flushable | readonly Flushable[];
}

/**
 * `GracefulShutdown`, as far as metrics need it.
 *
 * @publicApi
 */
export interface ObservedShutdown {
  /** What has been counted. */
  snapshot(): object;
  /** What the shutdown tells. */
  readonly events: { subscribe(next: (event: object) => void): unknown };
  /** Adds what is done before the process ends. */
  afterReport(work: () => unknown, name?: string): unknown;
}

/** The same, as it is: the types of this entry do not repeat those of the other. */
interface Shutdown extends ObservedShutdown {
  snapshot(): ShutdownSnapshot;
  readonly events: { subscribe(next: (event: ShutdownEvent) => void): unknown };
}

/**
 * Tells OpenTelemetry and Prometheus of the shutdown of an application. Call it before the application listens.
 *
 * ```ts
 * const app = await NestFactory.create(AppModule);
 * observeDrain(app.get(GracefulShutdown), { prometheus: client });
 * ```
 *
 * @throws TypeError where there is nobody to be told, or an option makes no sense
 * @publicApi
 */
export function observeDrain(shutdown: ObservedShutdown, options: DrainMetricsOptions = {}): void {
  const { openTelemetry = installedApi() ?? false, prometheus, registry, flush = [] } = options;
  const flushes = [flush].flat().map(flushOf);
  if (!openTelemetry && !prometheus && flushes.length === 0) {
    throw new TypeError(
      'Expected @opentelemetry/api to be installed, or prometheus to be given, got neither: nobody would be told. ' +
        'Install one of them, or give openTelemetry the API where a bundler has hidden it.',
    );
  }
  const { events } = shutdown as Shutdown;
  const seen = new Seen(shutdown as Shutdown);
  events.subscribe(seen.hear);
  if (openTelemetry) {
    meter(seen, openTelemetry);
    events.subscribe(spansThrough(openTelemetry).hear);
  }
  if (prometheus) registerWithPrometheus(seen, prometheus, registry);
  for (const each of flushes) shutdown.afterReport(each, 'flush');
}

/**
 * A provider that does the same, for any module of the application.
 *
 * ```ts
 * @Module({ imports: [GracefulShutdownModule.forRoot(10_000)], providers: [drainMetrics()] })
 * ```
 *
 * @publicApi
 */
export function drainMetrics(options: DrainMetricsOptions = {}): FactoryProvider<void> {
  return {
    provide: Symbol('nestjs-drain:metrics'),
    useFactory: (shutdown: ObservedShutdown) => observeDrain(shutdown, options),
    inject: [DRAIN_SHUTDOWN],
  };
}
