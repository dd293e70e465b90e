/**
 * Loaded with `--import`, before the application. OpenTelemetry sees what is required: Express is, here, because its
 * hook for ES modules makes the start three times as slow, and on Node 20 hang now and then.
 */
import { createRequire } from 'node:module';
import FastifyOtel from '@fastify/otel';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NestInstrumentation } from '@opentelemetry/instrumentation-nestjs-core';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

const { FastifyOtelInstrumentation } = FastifyOtel;
export const spans = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).register();
registerInstrumentations({
  instrumentations: [
    new HttpInstrumentation(),
    new ExpressInstrumentation(),
    new FastifyOtelInstrumentation({ registerOnInitialization: true }),
    new NestInstrumentation(),
  ],
});

createRequire(import.meta.url)('express');
