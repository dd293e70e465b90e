import { describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GracefulShutdownModule } from 'nestjs-drain';
import { drainMetrics, type DrainMetricsOptions } from 'nestjs-drain/metrics';

describe('nestjs-drain/metrics', () => {
  it('meets the application that the other entry has made, and flushes when it is closed', async () => {
    const flushed: string[] = [];
    const options: DrainMetricsOptions = { openTelemetry: false, flush: () => flushed.push('flush') };

    @Module({ imports: [GracefulShutdownModule.forRoot(1_000)], providers: [drainMetrics(options)] })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    await app.close();
    expect(flushed).toEqual(['flush']);
  });
});
