import 'reflect-metadata';
import {
  type INestApplication,
  type ModuleMetadata,
  type NestApplicationOptions,
  Module,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type AddressInfo } from 'node:net';
import { type Server } from 'node:http';
import { GracefulShutdown, GracefulShutdownModule, type GracefulShutdownOptions } from '../../src/index.js';
import { certificate } from './certificate.js';

/** The platforms every integration suite runs over. */
export const frameworks = ['express', 'fastify'] as const;
export type Framework = (typeof frameworks)[number];
export const protocols = ['http', 'https'] as const;
export type Protocol = (typeof protocols)[number];

export interface Platform {
  readonly framework: Framework;
  readonly protocol: Protocol;
}

export const platforms: readonly Platform[] = frameworks.flatMap((framework) =>
  protocols.map((protocol) => ({ framework, protocol })),
);

export interface RunningApplication {
  readonly app: INestApplication;
  readonly port: number;
  readonly url: string;
  readonly server: Server;
  /** The façade; undefined when the module was left out. */
  readonly shutdown: GracefulShutdown;
}

export interface ApplicationSetup extends ModuleMetadata {
  /** The module's options; `false` leaves the module out, for controls. */
  readonly drain?: number | GracefulShutdownOptions | false;
  readonly nest?: NestApplicationOptions;
  /** Called before the application is initialised. */
  readonly prepare?: (app: INestApplication) => void | Promise<void>;
}

const running = new Set<INestApplication>();

/** Starts an application on a free loopback port. `closeAll()` in `afterEach` ends it. */
export async function start(
  { framework, protocol }: Platform,
  { drain, nest, prepare, ...metadata }: ApplicationSetup,
): Promise<RunningApplication> {
  const module = moduleOf({
    ...metadata,
    imports: [...(drain === false ? [] : [GracefulShutdownModule.forRoot(drain)]), ...(metadata.imports ?? [])],
  });
  const httpsOptions = protocol === 'https' ? certificate() : undefined;
  const adapter =
    framework === 'express' ? new ExpressAdapter() : new FastifyAdapter({ https: httpsOptions ?? null } as object);
  const app = await NestFactory.create<INestApplication>(module, adapter as ExpressAdapter, {
    logger: false,
    abortOnError: false,
    ...(framework === 'express' ? { httpsOptions } : {}),
    ...nest,
  });
  running.add(app);
  await prepare?.(app);
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer() as Server;
  const { port } = server.address() as AddressInfo;
  return {
    app,
    port,
    url: `${protocol}://127.0.0.1:${port}`,
    server,
    shutdown: drain === false ? (undefined as never) : app.get(GracefulShutdown),
  };
}

export function moduleOf(metadata: ModuleMetadata): Type {
  class TestModule {}
  Module(metadata)(TestModule);
  return TestModule;
}

/** Closes what a test has started and not closed. */
export async function closeAll(): Promise<void> {
  const apps = [...running];
  running.clear();
  await Promise.all(apps.map((app) => app.close()));
}
