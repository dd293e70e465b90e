import 'reflect-metadata';
import { describe, expect, it, jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import * as client from 'prom-client';
import { GracefulShutdown, GracefulShutdownModule } from '../../../src/index.js';
import { drainMetrics, observeDrain } from '../../../src/metrics/index.js';
import { Observed } from './observed.js';

const openTelemetry = false;

describe('observeDrain', () => {
  it('raises where there is nobody to be told', () => {
    expect(() => observeDrain(new Observed().shutdown, { openTelemetry })).toThrow(
      'Expected @opentelemetry/api to be installed, or prometheus to be given, got neither: nobody would be told.',
    );
  });

  it.each([
    [{ export: () => undefined }, 'Object with export'],
    ['sdk', 'sdk'],
    [null, 'null'],
  ])('raises for %p, which cannot be flushed', (flush, got) => {
    expect(() => observeDrain(new Observed().shutdown, { openTelemetry, flush: flush as never })).toThrow(
      `Expected flush to be a function, or to have forceFlush() or shutdown(), got ${got}.`,
    );
  });

  it('flushes after the report, each in its own way', async () => {
    const app = new Observed();
    const log: string[] = [];
    class Provider {
      readonly name = 'provider';
      forceFlush() {
        log.push(`${this.name}.forceFlush()`);
      }
      shutdown() {
        log.push('not to be called');
      }
    }
    class Sdk {
      readonly name = 'sdk';
      shutdown() {
        log.push(`${this.name}.shutdown()`);
      }
    }
    observeDrain(app.shutdown, { openTelemetry, flush: [new Provider(), new Sdk(), () => log.push('a function')] });
    await app.begin();
    await app.clock.advance(2_000);
    await app.end();
    const report = await app.shutdown.closed;
    expect(log).toEqual([]);
    await app.core.sequence.afterReport.run(report, 1_000);
    expect(log).toEqual(['provider.forceFlush()', 'sdk.shutdown()', 'a function']);
  });
});

describe('drainMetrics', () => {
  it('is a provider of any module of the application', async () => {
    const registry = new client.Registry();
    const flush = jest.fn();
    const moduleRef = await Test.createTestingModule({
      imports: [GracefulShutdownModule.forRoot()],
      providers: [drainMetrics({ prometheus: client, registry, flush })],
    }).compile();
    const app = moduleRef.createNestApplication({ logger: false });
    await app.init();
    const lease = app.get(GracefulShutdown).lease('import');
    expect(await registry.metrics()).toContain('nestjs_drain_in_flight{kind="lease"} 1');
    lease.release();
    await app.close();
    expect(flush).toHaveBeenCalledTimes(1);
    expect(await registry.metrics()).toContain('nestjs_drain_shutdowns_total{outcome="drained"} 1');
  });
});
