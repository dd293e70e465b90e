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
import { type AddressInfo, type Socket } from 'node:net';
import { type Server } from 'node:http';
import {
  GracefulShutdown,
  GracefulShutdownModule,
  type GracefulShutdownOptions,
  type Lease,
  type ShutdownPhase,
  type ShutdownReport,
} from '../../src/index.js';
import { certificate } from './certificate.js';
import { Gate } from './gate.js';
import { RawClient } from './raw-client.js';

/** The platforms every integration suite runs over. */
export const frameworks = ['express', 'fastify'] as const;
export type Framework = (typeof frameworks)[number];
export const protocols = ['http', 'https'] as const;
export type Protocol = (typeof protocols)[number];

export interface Platform {
  readonly framework: Framework;
  readonly protocol: Protocol;
  /** Fastify alone: serves HTTP/2, over TLS beside HTTP/1.1 where it says so. */
  readonly http2?: 'alone' | 'beside HTTP/1.1';
}

export const platforms: readonly Platform[] = frameworks.flatMap((framework) =>
  protocols.map((protocol) => ({ framework, protocol })),
);

export interface RunningApplication {
  readonly app: INestApplication;
  readonly port: number;
  readonly url: string;
  readonly server: Server;
  /** The server's ends of its connections, in the order in which they opened. */
  readonly sockets: readonly Socket[];
  /** The façade; undefined when the module was left out. */
  readonly shutdown: GracefulShutdown;
}

export interface ApplicationSetup extends ModuleMetadata {
  /** The module's options; `false` leaves the module out, for controls. */
  readonly drain?: number | GracefulShutdownOptions | false;
  readonly nest?: NestApplicationOptions;
  /** What it listens on. @default 127.0.0.1 */
  readonly host?: string;
  /** Called before the application is initialised. */
  readonly prepare?: (app: INestApplication) => void | Promise<void>;
}

/** Applications that nobody has closed, and the promises of those that a test has. */
const running = new Map<INestApplication, Promise<void> | undefined>();

/** Starts an application on a free loopback port. `closeAll()` in `afterEach` ends it. */
export async function start(
  { framework, protocol, http2 }: Platform,
  { drain, nest, host = '127.0.0.1', prepare, ...metadata }: ApplicationSetup,
): Promise<RunningApplication> {
  const module = moduleOf({
    ...metadata,
    imports: [...(drain === false ? [] : [GracefulShutdownModule.forRoot(drain)]), ...(metadata.imports ?? [])],
  });
  const httpsOptions = protocol === 'https' ? certificate() : undefined;
  const adapter =
    framework === 'express' ? new ExpressAdapter() : new FastifyAdapter(fastifyOptions(httpsOptions, http2));
  const app = await NestFactory.create<INestApplication>(module, adapter as ExpressAdapter, {
    logger: false,
    abortOnError: false,
    ...(framework === 'express' ? { httpsOptions } : {}),
    ...nest,
  });
  running.set(app, undefined);
  const close = app.close.bind(app);
  // On Nest 11 a second close runs all hooks again, which Apollo's driver does not bear.
  app.close = (...args) => {
    const closed = close(...args);
    running.set(app, closed);
    return closed;
  };
  const server = app.getHttpServer() as Server;
  const sockets: Socket[] = [];
  server.on(protocol === 'https' ? 'secureConnection' : 'connection', (socket: Socket) => sockets.push(socket));
  await prepare?.(app);
  await app.listen(0, host);
  const { port } = server.address() as AddressInfo;
  return {
    app,
    port,
    url: `${protocol}://127.0.0.1:${port}`,
    server,
    sockets,
    shutdown: drain === false ? (undefined as never) : app.get(GracefulShutdown),
  };
}

function fastifyOptions(https: object | undefined, http2: Platform['http2']): object {
  if (!http2) return { https: https ?? null };
  return https ? { http2: true, https: { ...https, allowHTTP1: http2 === 'beside HTTP/1.1' } } : { http2: true };
}

/** A client, and the server's end of its connection. */
export async function connect({
  port,
  url,
  sockets,
}: RunningApplication): Promise<{ client: RawClient; socket: Socket }> {
  const before = sockets.length;
  const client = await RawClient.connect(port, url.startsWith('https') ? 'https' : 'http');
  clients.add(client);
  await holds(() => sockets.length > before);
  return { client, socket: sockets[before]! };
}

export function moduleOf(metadata: ModuleMetadata): Type {
  class TestModule {}
  Module(metadata)(TestModule);
  return TestModule;
}

/** Releases what a failed test still holds. */
const releases = new Set<() => void>();
/** One that does not read never hears that its connection has ended. */
const clients = new Set<RawClient>();

/** Closes what a test has started and not closed. */
export async function closeAll(): Promise<void> {
  const apps = [...running];
  running.clear();
  for (const release of releases) release();
  releases.clear();
  Gate.releaseAll();
  await Promise.all(
    apps.map(([app, closing]) => {
      const closed = closing ?? app.close();
      const server = app.getHttpServer() as Partial<Server>;
      if (!('updateSettings' in server)) server.closeAllConnections?.();
      return closed;
    }),
  );
  for (const client of clients) client.destroy();
  clients.clear();
}

/** A shutdown that a test holds in one phase. */
export interface HeldShutdown {
  /** The promise of `app.close()`. */
  readonly closed: Promise<void>;
  /** Lets it go on. The drain waits for whatever else is in flight. */
  release(): void;
  /** Lets it go on, and resolves with the report once the application has closed. */
  end(): Promise<ShutdownReport>;
}

type Held = Pick<RunningApplication, 'app' | 'shutdown'>;

/** Calls `app.close()` and holds the lame duck: everything is still served, clients have been told. */
export async function holdLameDuck(held: Held): Promise<HeldShutdown> {
  const gate = new Gate();
  held.shutdown.onShutdown('lame-duck', () => gate.pass(), { timeoutMs: 20_000 });
  const closing = holding(held, () => gate.release());
  await gate.entered;
  return closing;
}

/** Calls `app.close()` and holds the drain: what arrives from here on is late. */
export async function holdDraining(held: Held): Promise<HeldShutdown> {
  const lease: Lease = held.shutdown.lease('held by the test');
  const closing = holding(held, () => lease.release());
  await refuses(held.shutdown);
  return closing;
}

function holding({ app, shutdown }: Held, release: () => void): HeldShutdown {
  releases.add(release);
  const closed = app.close();
  const end = async () => {
    release();
    await closed;
    return shutdown.closed;
  };
  return { closed, release, end };
}

/** Resolves when `shutdown` enters `phase`. */
export function enters(shutdown: GracefulShutdown, phase: ShutdownPhase): Promise<void> {
  return new Promise((resolve) => {
    const subscription = shutdown.events.subscribe((event) => {
      if (event.type !== 'phase' || event.phase !== phase) return;
      setImmediate(() => subscription.unsubscribe());
      resolve();
    });
  });
}

/** Resolves once late requests are refused: the servers begin to after one more poll of the event loop. */
export async function refuses(shutdown: GracefulShutdown): Promise<void> {
  if (!shutdown.drainingSignal.aborted) await enters(shutdown, 'draining');
  await turns(3);
}

/** Lets the event loop turn. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Counts the turns of the event loop: what is spread out does not happen in a few of them. */
export class TurnCounter {
  now = 0;
  private next = setImmediate(() => this.turn());

  stop(): void {
    clearImmediate(this.next);
  }

  private turn(): void {
    this.now++;
    this.next = setImmediate(() => this.turn());
  }
}

/** Lets the event loop turn until `test` holds: for what no event tells, such as bytes that have come in. */
export async function holds(test: () => boolean): Promise<void> {
  while (!test()) await turns(1);
}
