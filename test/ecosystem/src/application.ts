import {
  Controller,
  type DynamicModule,
  Get,
  type INestApplication,
  Module,
  type ModuleMetadata,
} from '@nestjs/common';
import { type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { bootstrapLog } from './bootstrap-log.js';
import { held } from './held.js';

export type AdapterName = 'express' | 'fastify';

/** What an application is made with: the module, or nothing. */
export interface Variant {
  readonly adapter: AdapterName;
  readonly imports: readonly DynamicModule[];
}

/** Each file in `applications` exports one. */
export type MakeApplication = (variant: Variant) => Promise<INestApplication>;

/** The request that is in flight while the application is rolled. */
@Controller()
class HeldController {
  @Get('held')
  async held(): Promise<string> {
    await held();
    return 'held until now';
  }
}

@Module({ controllers: [HeldController] })
class HeldModule {}

/** Makes an application of these parts; the module, if any, is imported first. */
export function assemble(
  { adapter, imports }: Variant,
  parts: ModuleMetadata,
  options: NestApplicationOptions = {},
): Promise<NestExpressApplication & NestFastifyApplication> {
  @Module({ ...parts, imports: [...imports, HeldModule, ...(parts.imports ?? [])] })
  class AppModule {}
  const httpAdapter = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  return NestFactory.create(AppModule, httpAdapter, { logger: bootstrapLog, abortOnError: false, ...options });
}
