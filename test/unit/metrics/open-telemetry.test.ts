import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import * as api from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider } from '@opentelemetry/sdk-metrics';
import { type MetricData, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  NoopSpanProcessor,
  type ReadableSpan,
  type Span,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import * as client from 'prom-client';
import { observeDrain } from '../../../src/metrics/index.js';
import { metrics, prometheusName } from '../../../src/metrics/metrics.js';
import { installedApi } from '../../../src/metrics/open-telemetry.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { interruptedRun, Observed } from './observed.js';

const spanExporter = new InMemorySpanExporter();
let exporter: InMemoryMetricExporter;
let app: Observed;
let meters: MeterProvider;
let spans: BasicTracerProvider;
let started: string[];

beforeEach(() => {
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  spanExporter.reset();
  app = new Observed();
  meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2e9 })] });
  started = [];
  const starts = Object.assign(new NoopSpanProcessor(), { onStart: ({ name }: Span) => void started.push(name) });
  spans = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter), starts] });
  observeDrain(app.shutdown, { openTelemetry: { ...api, metrics: meters, trace: traceOf(spans) } });
});
afterEach(() => meters.shutdown());

/** The API of spans, with this provider instead of the one that all of the process share. */
function traceOf(provider: BasicTracerProvider): object {
  return { getTracer: (name: string) => provider.getTracer(name), setSpan: trace.setSpan };
}

/** Knows which span is active, as the context manager of an SDK for Node does. */
class Contexts implements api.ContextManager {
  private readonly storage = new AsyncLocalStorage<api.Context>();
  active = () => this.storage.getStore() ?? ROOT_CONTEXT;
  with: api.ContextManager['with'] = (context, run, that, ...args) =>
    this.storage.run<ReturnType<typeof run>>(context, () => run.apply(that, args));
  bind: api.ContextManager['bind'] = (_context, target) => target;
  enable = () => this;
  disable = () => this;
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
    // Each of them has ended.
    expect([...started].sort()).toEqual(
      finished()
        .map(({ name }) => name)
        .sort(),
    );
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

  it('hold as an event that all waiting was ended, and by whom', async () => {
    app.hold();
    await app.begin();
    app.core.sequence.force('signal SIGINT');
    await app.clock.advance(1_000);
    await app.end();
    const forced = finished().flatMap(({ events }) => events.filter(({ name }) => name === 'forced'));
    expect(forced.map(({ attributes }) => attributes)).toEqual([
      { 'nestjs_drain.in_flight': 1, 'nestjs_drain.by': 'signal SIGINT' },
    ]);
  });

  it('belong to no request, whatever was being served when the shutdown began', async () => {
    api.context.setGlobalContextManager(new Contexts());
    try {
      const request = spans.getTracer('http').startSpan('GET /');
      await api.context.with(trace.setSpan(ROOT_CONTEXT, request), async () => {
        expect(trace.getActiveSpan()).toBe(request);
        await app.begin();
      });
      await app.clock.advance(2_000);
      await app.end();
      expect(finished().at(-1)!.parentSpanContext).toBeUndefined();
    } finally {
      api.context.disable();
    }
  });
});

describe('The API of OpenTelemetry', () => {
  it('is the one that the application has installed', () => {
    expect(installedApi()).toMatchObject({ metrics: expect.anything(), trace: expect.anything() });
  });

  it('is told where none is given, by whatever has been registered with it', async () => {
    trace.setGlobalTracerProvider(spans);
    try {
      const other = new Observed();
      observeDrain(other.shutdown);
      await other.begin();
      await other.clock.advance(2_000);
      await other.end();
      expect(spanExporter.getFinishedSpans().at(-1)?.name).toBe('shutdown');
    } finally {
      trace.disable();
    }
  });

  describe('where the process was started elsewhere', () => {
    const place = process.cwd();
    beforeEach(() => process.chdir('/'));
    afterEach(() => process.chdir(place));

    it('is that of the program', () => {
      expect(installedApi(join(place, 'main.js'))).toMatchObject({ trace: expect.anything() });
    });

    it('is not there where nobody has installed it', () => {
      expect(installedApi('/main.js')).toBeUndefined();
    });

    it('raises what it raises where it is there, and cannot be loaded', () => {
      const program = temporaryFolder();
      const installed = join(program, 'node_modules/@opentelemetry/api');
      mkdirSync(installed, { recursive: true });
      writeFileSync(join(installed, 'index.js'), "throw new Error('broken');");
      expect(() => installedApi(join(program, 'main.js'))).toThrow('broken');
    });
  });
});
