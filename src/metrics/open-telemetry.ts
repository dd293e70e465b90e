import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { labelsOf, metrics, type Metric } from './metrics.js';
import { type Seen } from './seen.js';
import { ShutdownSpans, type SpanMaker } from './spans.js';

/**
 * `@opentelemetry/api`, as it is imported: `import * as api from '@opentelemetry/api'`.
 *
 * @publicApi
 */
export interface OpenTelemetryApi {
  /** Where meters come from. */
  readonly metrics: object;
  /** Where tracers come from. */
  readonly trace: object;
  /** The context that spans belong to, where there is none yet. */
  readonly ROOT_CONTEXT: object;
}

/** What is used of it for metrics. */
interface Api {
  readonly metrics: { getMeter(name: string): Meter };
}
interface Meter {
  createObservableGauge(name: string, options: InstrumentOptions): object;
  createObservableCounter(name: string, options: InstrumentOptions): object;
  createObservableUpDownCounter(name: string, options: InstrumentOptions): object;
  addBatchObservableCallback(read: (result: Result) => void, instruments: readonly object[]): void;
}
interface InstrumentOptions {
  readonly description: string;
  readonly unit: string;
}
interface Result {
  observe(instrument: object, value: number, attributes: Readonly<Record<string, string>>): void;
}

const scope = 'nestjs-drain';
const makers = {
  gauge: 'createObservableGauge',
  counter: 'createObservableCounter',
  'up-down-counter': 'createObservableUpDownCounter',
} as const;

/** Makes every metric an observable instrument: all of them are read when a reader collects. */
export function meter(seen: Seen, api: OpenTelemetryApi): void {
  const meter = (api as Api).metrics.getMeter(scope);
  const instruments = new Map<Metric, object>();
  for (const metric of metrics) {
    const { name, type, description, unit } = metric;
    instruments.set(metric, meter[makers[type]](name, { description, unit }));
  }
  meter.addBatchObservableCallback(
    (result) => {
      for (const [metric, instrument] of instruments) {
        for (const reading of metric.read(seen)) result.observe(instrument, reading[0], labelsOf(metric, reading));
      }
    },
    [...instruments.values()],
  );
}

/** What makes spans of the events of a shutdown. */
export function spansThrough(api: OpenTelemetryApi): ShutdownSpans {
  const { trace, ROOT_CONTEXT } = api as unknown as {
    trace: { getTracer(name: string): Tracer; setSpan(context: object, span: object): object };
    ROOT_CONTEXT: object;
  };
  const startSpan: SpanMaker = (name, attributes, parent) =>
    trace.getTracer(scope).startSpan(name, { attributes }, parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT);
  return new ShutdownSpans(startSpan);
}

interface Tracer {
  startSpan(name: string, options: object, context: object): ReturnType<SpanMaker>;
}

/**
 * The API that the application has installed, if it has: it is looked for where the program that runs is, and where the
 * process was started. Whichever copy is found, all of them share what has been registered.
 */
export function installedApi(main = process.argv[1] ?? ''): OpenTelemetryApi | undefined {
  const require = createRequire(join(process.cwd(), 'main.js'));
  try {
    return require(
      require.resolve('@opentelemetry/api', { paths: [dirname(main), process.cwd()] }),
    ) as OpenTelemetryApi;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
