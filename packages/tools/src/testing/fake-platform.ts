import { type INestApplication } from '@nestjs/common';
import { DrainError } from 'nestjs-drain';
import { addressOf, type Backend } from '../drill/balancer.js';
import { TcpBalancer } from '../drill/tcp-balancer.js';
import { within } from '../drill/timing.js';
import { backendOf } from './application.js';

/**
 * How slow the platform is.
 *
 * @publicApi
 */
export interface FakePlatformOptions {
  /** The path that is probed over HTTP: 200 is ready, all else is not. @default '/health/ready' */
  readonly probe?: string;
  /**
   * The pause between two probes, ms: readiness that fails is noticed at most this much later. At least 1. @default 50
   */
  readonly noticesAfterMs?: number;
  /** How long new connections are still sent to an application once it was noticed, ms. @default 0 */
  readonly leavesAfterMs?: number;
}

/**
 * An application gets its first connections when it is ready. One that does not become it within this long is a
 * mistake, ms.
 */
const readyWithinMs = 4_000;

/**
 * A platform in this process that notices readiness late, as every real one does: it probes, and spreads new TCP
 * connections over the applications that are ready, or were a while ago. A connection stays where it was put. Nothing
 * is retried.
 *
 * ```ts
 * const platform = await fakePlatform({ noticesAfterMs: 100, leavesAfterMs: 300 });
 * await platform.routeTo(app);
 * await fetch(`${platform.url}/orders`);
 * ```
 *
 * @publicApi
 */
export class FakePlatform {
  private readonly backends = new Map<INestApplication, Backend>();
  /** Who waits until an address is left. */
  private readonly leaving = new Map<string, (() => void)[]>();

  private constructor(
    private readonly probe: string,
    private readonly balancer: TcpBalancer,
  ) {}

  /** @internal */
  static async start(options: FakePlatformOptions): Promise<FakePlatform> {
    const { probe = '/health/ready', noticesAfterMs = 50, leavesAfterMs = 0 } = options;
    const balancer = await TcpBalancer.listen({
      readinessPath: probe,
      probePeriodMs: noticesAfterMs,
      lagMs: leavesAfterMs,
      onChange: ({ backend, rotation }) => {
        if (rotation === 'out') platform.hasLeft(addressOf(backend));
      },
    });
    const platform = new FakePlatform(probe, balancer);
    return platform;
  }

  /** Where clients connect: `http://127.0.0.1:<port>`. */
  get url(): string {
    return this.balancer.url;
  }

  /**
   * Sends `app` its share of new connections from now on. One that does not listen yet is made to, on a free loopback
   * port.
   *
   * @returns a promise that resolves when the first probe has found it ready
   * @throws DrainError `DRAIN_INVALID_ARGUMENT` when it is not ready within 4 s, or does not speak plain HTTP/1.1
   */
  async routeTo(app: INestApplication): Promise<void> {
    const backend = await backendOf(app, 'app');
    this.backends.set(app, backend);
    await this.route(backend);
  }

  /** Reports whether new connections are sent to `app`. */
  isRoutingTo(app: INestApplication): boolean {
    const backend = this.backends.get(app);
    return backend !== undefined && this.balancer.isInRotation(backend);
  }

  /** Resolves when new connections are no longer sent to `app`; at once when none are. */
  async left(app: INestApplication): Promise<void> {
    const backend = this.backends.get(app);
    if (!backend || !this.isRoutingTo(app)) return;
    const address = addressOf(backend);
    await new Promise<void>((resolve) => this.leaving.set(address, [...(this.leaving.get(address) ?? []), resolve]));
  }

  /** Stops listening and probing, and cuts all its connections. */
  close(): Promise<void> {
    return this.balancer.close();
  }

  /** @internal */
  async route(backend: Backend): Promise<void> {
    await this.balancer.add(backend);
    const ready = this.balancer.whenInRotation(backend);
    await within(readyWithinMs, 'readiness', ready).catch(() => {
      throw new DrainError(
        'DRAIN_INVALID_ARGUMENT',
        `Expected GET ${this.probe} of the application to answer 200 within ${readyWithinMs} ms, got ` +
          'none. Name the route that asks ReadinessHealthIndicator.isReady(): ' +
          'drill({ readinessPath }), fakePlatform({ probe }).',
      );
    });
  }

  private hasLeft(address: string): void {
    for (const tell of this.leaving.get(address) ?? []) tell();
    this.leaving.delete(address);
  }

  /** The name of the backend that the connection from this local port was sent to. @internal */
  servedBy(clientPort: number): string | undefined {
    return this.balancer.backendOf(clientPort)?.name;
  }
}

/**
 * Starts a platform. Close it when the test is over.
 *
 * @throws RangeError for a duration that no timer holds
 * @publicApi
 */
export function fakePlatform(options: FakePlatformOptions = {}): Promise<FakePlatform> {
  return FakePlatform.start(options);
}
