import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import * as drain from 'nestjs-drain';
import { DrainError, GracefulShutdown, GracefulShutdownModule, OnShutdown, type ShutdownContext } from 'nestjs-drain';

@Module({ imports: [GracefulShutdownModule.forRoot(1_000)] })
class BillingModule {}

@Module({ imports: [GracefulShutdownModule.forRoot(2_000), BillingModule] })
class ShopModule {}

describe('The package', () => {
  it('exports what it promises by name', () => {
    expect(Object.keys(drain).filter((name) => name !== 'default')).toEqual(
      expect.arrayContaining([
        'AllowDuringShutdown',
        'DrainError',
        'GracefulShutdown',
        'GracefulShutdownModule',
        'InFlightInterceptor',
        'OnShutdown',
        'ReadinessHealthIndicator',
        'TrackInFlight',
      ]),
    );
  });
});

describe('GracefulShutdownModule, registered twice', () => {
  it.each([
    ['NestFactory', () => NestFactory.create(ShopModule, { logger: false, abortOnError: false })],
    ['Test.createTestingModule', () => Test.createTestingModule({ imports: [ShopModule] }).compile()],
  ])('is an error at bootstrap that names the importers (%s)', async (_name, make: () => Promise<unknown>) => {
    const error: unknown = await make().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DrainError);
    expect(error).toMatchObject({ code: 'DRAIN_DUPLICATE_MODULE' });
    expect((error as Error).message).toMatch(/ShopModule and BillingModule|BillingModule and ShopModule/);
  });
});

describe('A hook', () => {
  it('runs before any provider is destroyed, in an application without HTTP too', async () => {
    const order: string[] = [];

    @Injectable()
    class Consumer {
      @OnShutdown('releasing', { timeoutMs: 1_000 })
      stop({ phase, remainingMs }: ShutdownContext): void {
        order.push(`${phase}, ${remainingMs() > 0}`);
      }
      onModuleDestroy(): void {
        order.push('destroyed');
      }
    }

    @Module({ imports: [GracefulShutdownModule.forRootAsync({ useFactory: () => 1_000 })], providers: [Consumer] })
    class WorkerModule {}

    const app = await NestFactory.createApplicationContext(WorkerModule, { logger: false, abortOnError: false });
    const shutdown = app.get(GracefulShutdown);
    await app.close();
    expect(order).toEqual(['releasing, true', 'destroyed']);
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });
});
