/**
 * What a rehearsal has found. Plain data: `JSON.stringify` it. Instants are ms after readiness failed.
 *
 * @publicApi
 */
export interface RehearsalReport {
  /** What was given to `rehearse()`; `rehearse()` itself when nothing was. */
  readonly reason: string;
  /** Calendar time at which readiness failed, ISO 8601. */
  readonly startedAt: string;
  /** `forMs`, as it was given. */
  readonly requestedMs: number;
  /** How long it lasted, ms: less than `requestedMs` when a shutdown began. */
  readonly ms: number;
  /** `time`: it ran for as long as it was asked to. `shutdown`: a real shutdown began before. */
  readonly endedBy: 'time' | 'shutdown';
  /** Requests that arrived, those for health routes apart. All were served. */
  readonly requests: number;
  /** Of these, the ones on connections that were opened after readiness had failed: the platform still routed here. */
  readonly newConnections: number;
  /** When the last of these arrived: the platform's lag, once it has been quiet for a while. */
  readonly lastNewConnectionMs?: number;
  /** Who asked whether the replica is ready. */
  readonly probes: {
    /** How often somebody asked, and was told that the replica is not ready. */
    readonly seen: number;
    /** When the first of them did. Missing when nobody asked. */
    readonly firstFailureSeenMs?: number;
    /** Who was answered with a failure over HTTP/1.1: the route, and the `User-Agent`. At most 20. */
    readonly by: readonly RehearsalProbe[];
  };
  /** Pieces of work in flight. `max` is as seen whenever a request arrived. */
  readonly inFlight: { readonly atStart: number; readonly atEnd: number; readonly max: number };
  /**
   * What `lameDuck.minMs` should be at least, ms, by this rehearsal: the lag rounded up to half a second, and one
   * second more. Missing where the lag was not measured: `advice` says why.
   */
  readonly suggestedMinMs?: number;
  /** Why nothing was measured, in words. Empty when there is nothing to say. */
  readonly advice: readonly string[];
}

/**
 * One of those who asked whether the replica is ready.
 *
 * @publicApi
 */
export interface RehearsalProbe {
  /** Method and route pattern. */
  readonly name: string;
  /** Its `User-Agent`, where it sent one. */
  readonly userAgent?: string;
  /** How often it was answered with a failure. */
  readonly count: number;
}
