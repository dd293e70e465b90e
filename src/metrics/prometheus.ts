import { labelsOf, metrics, prometheusName } from './metrics.js';
import { type Seen } from './seen.js';

/**
 * `prom-client`, as it is imported: `import * as client from 'prom-client'`.
 *
 * @publicApi
 */
export interface PrometheusClient {
  /** The class of gauges. */
  readonly Gauge: unknown;
  /** The class of counters. */
  readonly Counter: unknown;
  /** The registry that is used where no other is given. */
  readonly register: unknown;
}

/** What is used of it. */
interface Client {
  readonly Gauge: new (options: MetricOptions) => object;
  readonly Counter: new (options: MetricOptions) => object;
  readonly register: Registry;
}
interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registers: readonly object[];
  collect(this: CollectedMetric): void;
}
interface CollectedMetric {
  reset(): void;
  /** Of a gauge and of a counter, which have been reset, it sets. */
  inc(labels: Readonly<Record<string, string>>, value: number): void;
}
interface Registry {
  removeSingleMetric(name: string): void;
}

/** Registers every metric. Of several applications in one process, the registry is told of the last. */
export function registerWithPrometheus(seen: Seen, client: PrometheusClient, registry = client.register): void {
  const { Gauge, Counter } = client as Client;
  for (const metric of metrics) {
    const name = prometheusName(metric);
    (registry as Registry).removeSingleMetric(name);
    new (metric.type === 'counter' ? Counter : Gauge)({
      name,
      help: metric.description,
      labelNames: metric.label === undefined ? [] : [metric.label],
      registers: [registry as Registry],
      collect() {
        this.reset();
        for (const reading of metric.read(seen)) this.inc(labelsOf(metric, reading), reading[0]);
      },
    });
  }
}
