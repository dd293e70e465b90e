/**
 * An application that is observed: through OpenTelemetry, whose exporter tells its test of what it is given and takes
 * as long as it is told, and through prom-client, at /metrics.
 */
import { Controller, Get } from '@nestjs/common';
import { metrics, trace } from '@opentelemetry/api';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { GracefulShutdown } from 'nestjs-drain';
import { drainMetrics } from 'nestjs-drain/metrics';
import * as client from 'prom-client';
import { create, decorate, enableHooks, follow, injectable, listen, settings, tell, told } from './kit.mjs';

/** Exports nothing by the clock: what it is given is what a flush has sent. */
const exporter = {
  async export(exported, done) {
    const all = exported.scopeMetrics.flatMap((scope) => scope.metrics);
    const outcomes = all.find(({ descriptor }) => descriptor.name === 'nestjs_drain.shutdowns').dataPoints;
    tell('exporting', { outcomes: outcomes.map(({ attributes }) => attributes.outcome) });
    if (settings.exporter === 'waits') await told('exported');
    if (settings.exporter === 'hangs') return;
    tell('exported');
    done({ code: 0 });
  },
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
  selectAggregationTemporality: () => 1,
};
const reader = new PeriodicExportingMetricReader({
  exporter,
  exportIntervalMillis: 1_000_000,
  exportTimeoutMillis: 1_000_000,
});
const meters = new MeterProvider({ readers: [reader] });
const spans = new BasicTracerProvider({
  spanProcessors: [
    new SimpleSpanProcessor({
      export(ended, done) {
        for (const { name } of ended) tell('span', { span: name });
        done({ code: 0 });
      },
      shutdown: async () => undefined,
    }),
  ],
});
metrics.setGlobalMeterProvider(meters);
trace.setGlobalTracerProvider(spans);

class Orders {
  async held() {
    tell('held');
    await told('release');
    return {};
  }
  metrics() {
    return client.register.metrics();
  }
  onModuleDestroy() {
    return settings.destroy === 'hangs' ? new Promise(() => undefined) : undefined;
  }
}
Controller()(injectable(Orders));
decorate(Orders, 'held', Get('held'));
decorate(Orders, 'metrics', Get('metrics'));

const observed = drainMetrics({ prometheus: client, flush: settings.flush === false ? [] : [meters, spans] });
const app = await create({ controllers: [Orders], providers: settings.observed === false ? [] : [observed] });
enableHooks(app);
follow(app);
app.get(GracefulShutdown).events.subscribe((event) => event.type === 'previous-run' && tell('previous-run', event));
await listen(app);
