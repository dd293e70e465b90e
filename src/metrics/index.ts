export { drainMetrics, type DrainMetricsOptions, observeDrain, type ObservedShutdown } from './drain-metrics.js';
export { type Flushable } from './flush.js';
export { type OpenTelemetryApi } from './open-telemetry.js';
export { type PrometheusClient } from './prometheus.js';
