import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import * as api from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider } from '@opentelemetry/sdk-metrics';
import { type MetricData, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import * as client from 'prom-client';
import { observeDrain } from '../../../src/metrics/index.js';
import { metrics, prometheusName } from '../../../src/metrics/metrics.js';
import { installedApi } from '../../../src/metrics/open-telemetry.js';
import { interruptedRun, Observed } from './observed.js';

const spanExporter = new InMemorySpanExporter();
let exporter: InMemoryMetricExporter;
let app: Observed;
let meters: MeterProvider;
let spans: BasicTracerProvider;

beforeEach(() => {
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  spanExporter.reset();
  app = new Observed();
  meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2e9 })] });
  spans = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] });
  observeDrain(app.shutdown, { openTelemetry: { ...api, metrics: meters, trace: traceOf(spans) } });
});
afterEach(() => meters.shutdown());

/** The API of spans, with this provider instead of the one that all of the process share. */
function traceOf(provider: BasicTracerProvider): object {
  return { getTracer: (name: string) => provider.getTracer(name), setSpan: trace.setSpan };
}

/** What the readers of this provider collect now. */
async function collected(): Promise<MetricData[]> {
  await meters.forceFlush();
  return exporter
    .getMetrics()
    .at(-1)!
    .scopeMetrics.flatMap((each) => each.metrics);
}

function pointsOf(data: MetricData[], name: string): [unknown, unknown][] {
  const { dataPoints } = data.find(({ descriptor }) => descriptor.name === name)!;
  return dataPoints.map(({ attributes, value }) => [attributes, value]);
}

describe('The metrics for OpenTelemetry', () => {
  it('tell of an application that runs', async () => {
    app.hold();
    const data = await collected();
    expect(pointsOf(data, 'nestjs_drain.in_flight')).toEqual([[{ kind: 'request' }, 1]]);
    expect(pointsOf(data, 'nestjs_drain.phase')).toContainEqual([{ phase: 'running' }, 1]);
    expect(pointsOf(data, 'nestjs_drain.requests.refused')).toEqual([[{}, 0]]);
  });

  it('tell of a shutdown that is over', async () => {
    await app.begin();
    await app.clock.advance(2_000);
    app.core.sequence.count('refused');
    await app.end();
    const data = await collected();
    expect(pointsOf(data, 'nestjs_drain.shutdowns')).toEqual([[{ outcome: 'drained' }, 1]]);
    expect(pointsOf(data, 'nestjs_drain.requests.refused')).toEqual([[{}, 1]]);
    expect(pointsOf(data, 'nestjs_drain.phase.duration').map(([attributes]) => attributes)).toEqual([
      { phase: 'lame-duck' },
      { phase: 'draining' },
      { phase: 'releasing' },
    ]);
  });

  it('are counters that rise, and gauges that do not add up, with their units', async () => {
    app.hold();
    app.core.events.emit({ type: 'previous-run', previous: interruptedRun });
    await app.begin();
    await app.clock.advance(4_000);
    await app.end();
    const data = await collected();
    for (const { name, unit, type } of metrics) {
      const { descriptor, ...rest } = data.find((each) => each.descriptor.name === name)!;
      expect(descriptor).toMatchObject({ name, unit });
      expect('isMonotonic' in rest ? rest.isMonotonic : 'no sum').toBe(
        { counter: true, 'up-down-counter': false, gauge: 'no sum' }[type],
      );
    }
  });

  it('have the names in Prometheus that prom-client is given', async () => {
    const registry = new client.Registry();
    observeDrain(app.shutdown, { openTelemetry: false, prometheus: client, registry });
    const names = registry.getMetricsAsArray().map(({ name }) => name);
    expect(names).toEqual(metrics.map(prometheusName));
    expect(names).toContain('nestjs_drain_phase_duration_seconds');
    expect(names).toContain('nestjs_drain_requests_refused_total');
  });
});

describe('The spans of a shutdown', () => {
  const finished = (): ReadableSpan[] => spanExporter.getFinishedSpans();

  it('are one for it, and one within it for each phase', async () => {
    app.hold().release();
    await app.begin();
    await app.clock.advance(2_000);
    await app.end();
    expect(finished().map(({ name }) => name)).toEqual([
      'shutdown lame-duck',
      'shutdown draining',
      'shutdown releasing',
      'shutdown',
    ]);
    const parent = finished().at(-1)!;
    expect(parent.parentSpanContext).toBeUndefined();
    expect(
      finished()
        .slice(0, 3)
        .map((each) => each.parentSpanContext?.spanId),
    ).toEqual(Array.from({ length: 3 }, () => parent.spanContext().spanId));
    expect(parent.instrumentationScope.name).toBe('nestjs-drain');
    expect(parent.status.code).toBe(SpanStatusCode.UNSET);
    expect(parent.attributes).toEqual({
      'nestjs_drain.reason': 'app.close()',
      'nestjs_drain.outcome': 'drained',
      'nestjs_drain.ended_by': 'host',
      'nestjs_drain.clean': true,
      'nestjs_drain.refused': 0,
      'nestjs_drain.in_flight.at_signal': 0,
      'nestjs_drain.in_flight.finished': 0,
      'nestjs_drain.leftovers': 0,
    });
  });

  it('hold the hooks and the drain deadline as events, and an error where it was not clean', async () => {
    app.hold();
    app.core.hooks.add('releasing', () => Promise.reject(new Error('no disk')), { name: 'outbox' });
    await app.begin();
    await app.clock.advance(4_000);
    await app.end();
    const eventsOf = (name: string) => finished().find((each) => each.name === name)!.events;
    expect(eventsOf('shutdown draining')).toMatchObject([
      { name: 'drain deadline', attributes: { 'nestjs_drain.in_flight': 1 } },
    ]);
    expect(eventsOf('shutdown releasing')).toMatchObject([
      { name: 'hook', attributes: { 'nestjs_drain.hook.name': 'outbox', 'nestjs_drain.hook.outcome': 'rejected' } },
    ]);
    expect(finished().at(-1)!.status).toEqual({
      code: SpanStatusCode.ERROR,
      message: 'timed-out, ended by host',
    });
  });

  it('belong to no request, whatever was being served when the shutdown began', async () => {
    const request = spans.getTracer('http').startSpan('GET /');
    await api.context.with(trace.setSpan(ROOT_CONTEXT, request), () => app.begin());
    await app.clock.advance(2_000);
    await app.end();
    expect(finished().at(-1)!.parentSpanContext).toBeUndefined();
  });
});

describe('The API of OpenTelemetry', () => {
  it('is the one that the application has installed', () => {
    expect(installedApi()).toMatchObject({ metrics: expect.anything(), trace: expect.anything() });
  });

  it('is not there where nobody has installed it', () => {
    const place = process.cwd();
    process.chdir('/');
    try {
      expect(installedApi('/main.js')).toBeUndefined();
    } finally {
      process.chdir(place);
    }
  });
});
