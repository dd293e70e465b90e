import { type CallHandler, type ExecutionContext, type INestApplication, type NestInterceptor } from '@nestjs/common';
import { DrainError } from 'nestjs-drain';
import { match } from 'path-to-regexp';
import { type Observable } from 'rxjs';
import { parseRequest } from './requests.js';

/**
 * Holds work in flight until the test lets it go on.
 *
 * ```ts
 * const gate = gates.create('orders');
 * gate.holds(app, 'GET /orders'); // or: await gate.pass() in a provider that stands in for the real one
 * const answer = fetch(`${url}/orders`);
 * await gate.entered;
 * const closed = app.close();
 * gate.release();
 * ```
 *
 * @publicApi
 */
export class Gate {
  /** Settles when the first one waits. */
  readonly entered: Promise<void>;
  private readonly opened: Promise<void>;
  private enter!: () => void;
  private open!: () => void;
  private held = 0;

  /** Made by `Gates.create()`. @internal */
  constructor(
    /** For whoever reads the test. */
    readonly name: string,
    private readonly released: () => void,
  ) {
    this.entered = new Promise((resolve) => (this.enter = resolve));
    this.opened = new Promise((resolve) => (this.open = resolve));
  }

  /** How many wait. */
  get waiting(): number {
    return this.held;
  }

  /** Waits until the gate is released; not at all afterwards. Never rejects. */
  async pass(): Promise<void> {
    this.held++;
    this.enter();
    await this.opened;
    this.held--;
  }

  /** Lets everyone pass, now and from now on. Releasing twice is harmless. */
  release(): void {
    this.open();
    this.released();
  }

  /**
   * Holds every request for this route in its handler's place: guards have run, the handler runs after the release.
   * Nothing of the application's code is changed.
   *
   * @param request such as `GET /orders` or `GET /orders/:id`
   * @throws DrainError `DRAIN_TOO_LATE` once the application is initialised: Nest takes interceptors no later.
   * `DRAIN_INVALID_ARGUMENT` for a text that is no request
   */
  holds(app: INestApplication, request: string): this {
    const { method, path } = parseRequest(request);
    if ((app as { isInitialized?: boolean }).isInitialized) {
      throw new DrainError(
        'DRAIN_TOO_LATE',
        `Expected gate.holds(app, '${request}') before app.init() and app.listen(), got it ` +
          'afterwards. Call it as soon as the application is created.',
      );
    }
    app.useGlobalInterceptors(new GateInterceptor(this, method, matcherOf(path)));
    return this;
  }
}

/**
 * The gates of a test file. Release them all in `afterEach`: a test that fails may have left a request held, and
 * `app.close()` waits for it.
 *
 * ```ts
 * const gates = new Gates();
 * afterEach(() => gates.releaseAll());
 * ```
 *
 * @publicApi
 */
export class Gates {
  private readonly closed = new Set<Gate>();

  /**
   * Makes a gate, which is closed.
   *
   * @param name for whoever reads the test
   */
  create(name = 'gate'): Gate {
    const gate: Gate = new Gate(name, () => this.closed.delete(gate));
    this.closed.add(gate);
    return gate;
  }

  /** Releases every gate that is not. */
  releaseAll(): void {
    for (const gate of this.closed) gate.release();
  }
}

function matcherOf(path: string): (path: string) => unknown {
  try {
    return match(path);
  } catch (error) {
    throw new DrainError(
      'DRAIN_INVALID_ARGUMENT',
      `Expected a path such as '/orders/:id', got '${path}'. Write it as the controller does. ${String(error)}`,
    );
  }
}

class GateInterceptor implements NestInterceptor {
  constructor(
    private readonly gate: Gate,
    private readonly method: string,
    private readonly matches: (path: string) => unknown,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (context.getType() === 'http') {
      const request = context.switchToHttp().getRequest<{ method?: string; originalUrl?: string; url?: string }>();
      if (this.isHeld(request.method, request.originalUrl ?? request.url)) await this.gate.pass();
    }
    return next.handle();
  }

  private isHeld(method = '', url = ''): boolean {
    // What answers GET answers HEAD, too.
    const isOfMethod = method === this.method || (method === 'HEAD' && this.method === 'GET') || this.method === 'ALL';
    return isOfMethod && this.matches(url.split('?', 1)[0]!) !== false;
  }
}
