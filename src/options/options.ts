import { type EventStreamOptions } from '../drainables/sse/event-stream-options.js';
import { type ResolvedWebSocketOptions, type WebSocketOptions } from '../drainables/websockets/web-socket-options.js';
import { type LateRequestOptions, type ResolvedLateRequestOptions } from '../refusal/late-request-options.js';
import { type LameDuckOptions } from '../sequence/lame-duck.js';

/**
 * What a second signal does.
 *
 * - `force`: cuts what is left, reports it, and ends the process with 128 + the signal's number
 * - `ignore`: nothing
 *
 * @publicApi
 */
export type SecondSignalAction = 'force' | 'ignore';

/**
 * The options of `GracefulShutdownModule.forRoot()`. Durations are whole milliseconds.
 *
 * @publicApi
 */
export interface GracefulShutdownOptions {
  /**
   * How long work in flight may take to end once new work is refused. What is left then is aborted, cut and named in
   * the report. 0 cuts at once. @default 10000
   */
  readonly drainTimeoutMs?: number;
  /**
   * The platform's total from the signal to SIGKILL (Kubernetes: `terminationGracePeriodSeconds`, less its preStop
   * time). One second before it the process ends itself, with a report. More than 1000.
   *
   * `'auto'` recognises the platform, and takes what it grants unless it is configured (Kubernetes 30000, Cloud Run
   * 10000, Fly.io 5000, ...); PM2 and systemd are asked. 30000 where none is recognised. The parts of the shutdown are
   * scaled where they do not fit.
   *
   * @default 'auto'
   */
  readonly gracePeriodMs?: number | 'auto';
  /**
   * Whether to keep serving, with readiness failing, until traffic has gone away.
   *
   * - `'auto'`: on SIGTERM alone, when running under Kubernetes or when readiness has ever been probed
   * - `false`: never
   * - `{ minMs, quietMs, maxMs }`: on every shutdown, `app.close()` and SIGINT included; what is left out has its
   *   default (5000, 1000, 10000)
   *
   * @default 'auto'
   */
  readonly lameDuck?: 'auto' | false | LameDuckOptions;
  /** How long each hook is waited for, unless it says otherwise. At least 1. @default 5000 */
  readonly hookTimeoutMs?: number;
  /**
   * How handlers are counted: around each route, or with `InFlightInterceptor`, which costs more and sees less
   * (`forRootAsync` takes it beside the factory).
   * @default 'routes'
   */
  readonly httpTracking?: 'routes' | 'interceptor';
  /**
   * What becomes of requests that arrive while draining. `'close-listener'` is the former way to write `{ listener:
   * 'closed' }`, and warns at bootstrap.
   *
   * @default { statusCode: 503, retryAfterSeconds: 1, listener: 'open', cors: false }
   */
  readonly lateRequests?: LateRequestOptions | 'close-listener';
  /**
   * When readiness begins to fail. `'after-lame-duck'` suits a plain Kubernetes Service with one replica, which falls
   * back to endpoints that are terminating but still ready. @default 'immediate'
   */
  readonly readiness?: 'immediate' | 'after-lame-duck';
  /**
   * Paths that are served for as long as the listener is open, and are no traffic, as if their routes were marked with
   * `@AllowDuringShutdown()`: for routes that come out of a package. `'/metrics'`, or `'GET /status'` for one method
   * alone. A segment may be a parameter (`:name`), and the last one `*`. @default []
   */
  readonly allowDuringShutdown?: readonly string[];
  /** How WebSocket and socket.io clients are told to leave. @default {} */
  readonly webSockets?: WebSocketOptions;
  /** How server-sent events end. @default {} */
  readonly eventStreams?: EventStreamOptions;
  /**
   * Whether `GracefulShutdown.rehearse()` may take this replica out of traffic for a while. Without it the call is
   * refused. @default false
   */
  readonly allowRehearsal?: boolean;
  /**
   * A file that says, while a shutdown runs, what it waits for, so that the next start can tell what a process was
   * killed in. Its process writes it under this path, followed by a dot and its number: several may share a path.
   * @default false
   */
  readonly breadcrumb?: string | false;
  /**
   * Whether this is a process that is restarted as its code is written: there is then no lame duck, whatever `lameDuck`
   * says, and the listener is closed at once, so that the next process can listen. `'auto'` tells it by who has started
   * the process: `node --watch`, `nest start --watch`, `tsx watch`, `nodemon`, `ts-node-dev`. @default 'auto'
   */
  readonly development?: boolean | 'auto';
  /** What a second signal does, for each signal. @default { SIGINT: 'force', SIGTERM: 'ignore' } */
  readonly secondSignal?: Readonly<Record<string, SecondSignalAction>>;
}

/**
 * The options with every default filled in. Each means what it means in `GracefulShutdownOptions`.
 *
 * @publicApi
 */
export interface ResolvedOptions {
  /** See `GracefulShutdownOptions.drainTimeoutMs`. */
  readonly drainTimeoutMs: number;
  /** See `GracefulShutdownOptions.gracePeriodMs`. */
  readonly gracePeriodMs: number | 'auto';
  /** See `GracefulShutdownOptions.lameDuck`. */
  readonly lameDuck: 'auto' | false | Required<LameDuckOptions>;
  /** See `GracefulShutdownOptions.hookTimeoutMs`. */
  readonly hookTimeoutMs: number;
  /** See `GracefulShutdownOptions.httpTracking`. */
  readonly httpTracking: 'routes' | 'interceptor';
  /** See `GracefulShutdownOptions.lateRequests`. */
  readonly lateRequests: ResolvedLateRequestOptions;
  /** See `GracefulShutdownOptions.readiness`. */
  readonly readiness: 'immediate' | 'after-lame-duck';
  /** See `GracefulShutdownOptions.allowDuringShutdown`. */
  readonly allowDuringShutdown: readonly string[];
  /** See `GracefulShutdownOptions.webSockets`. */
  readonly webSockets: ResolvedWebSocketOptions;
  /** See `GracefulShutdownOptions.eventStreams`. */
  readonly eventStreams: EventStreamOptions;
  /** See `GracefulShutdownOptions.allowRehearsal`. */
  readonly allowRehearsal: boolean;
  /** See `GracefulShutdownOptions.breadcrumb`. */
  readonly breadcrumb: string | false;
  /** See `GracefulShutdownOptions.development`. */
  readonly development: boolean | 'auto';
  /** See `GracefulShutdownOptions.secondSignal`. */
  readonly secondSignal: Readonly<Record<string, SecondSignalAction>>;
  /** What is to be said at bootstrap about the options as they were given: that one of them has a new form. */
  readonly warnings: readonly string[];
}

/** Every default, once. */
export const defaults = {
  drainTimeoutMs: 10_000,
  gracePeriodMs: 'auto',
  lameDuck: 'auto',
  lameDuckWindow: { minMs: 5_000, quietMs: 1_000, maxMs: 10_000 },
  hookTimeoutMs: 5_000,
  httpTracking: 'routes',
  lateRequests: { statusCode: 503, retryAfterSeconds: 1, listener: 'open', cors: false },
  readiness: 'immediate',
  allowDuringShutdown: [],
  webSockets: {
    handshakes: 'accept',
    closeCode: 1001,
    closeReason: 'The server is shutting down',
    closeTimeoutMs: 2_000,
  },
  allowRehearsal: false,
  breadcrumb: false,
  development: 'auto',
  secondSignal: { SIGINT: 'force', SIGTERM: 'ignore' },
} as const;
