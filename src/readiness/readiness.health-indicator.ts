import { Inject, Injectable } from '@nestjs/common';
import { DRAIN_CORE } from '../in-flight/tokens.js';
import { type ShutdownPhase } from '../sequence/phase.js';

/**
 * What a Terminus health indicator returns, by shape: Terminus 11 and 12 read the same.
 *
 * @publicApi
 */
export type ReadinessResult<Key extends string = string> = Record<
  Key,
  {
    readonly status: 'up' | 'down';
    readonly phase: ShutdownPhase;
    /** Why it is down in phase `running`. */
    readonly detail?: 'rehearsal';
  }
>;

/** @internal */
export interface ReadinessSource {
  readonly phase: ShutdownPhase;
  readonly isRehearsing?: boolean;
  /** Answers a probe, and remembers that it asked. */
  probe(): boolean;
}

/**
 * Tells the platform whether to route here.
 *
 * ```ts
 * @Get('ready')
 * @HealthCheck()
 * ready() {
 *   return this.health.check([() => this.readiness.isReady('ready')]);
 * }
 * ```
 *
 * Down from the first instant of the lame duck (with `readiness: 'after-lame-duck'`: from the start of draining), and
 * while a rehearsal runs. A route that calls it is learnt to be a health route, if its controller injects the
 * indicator; mark others with `@AllowDuringShutdown()`.
 *
 * @publicApi
 */
@Injectable()
export class ReadinessHealthIndicator {
  /** Nest calls it. @internal */
  constructor(@Inject(DRAIN_CORE) private readonly source: ReadinessSource) {}

  /**
   * Answers a readiness probe.
   *
   * @param key the name of the check in the answer
   * @returns `{ [key]: { status: 'up' | 'down', phase } }`, with `detail: 'rehearsal'` while one runs; never rejects
   */
  async isReady<Key extends string = string>(key: Key): Promise<ReadinessResult<Key>> {
    const status = this.source.probe() ? 'up' : 'down';
    const { phase, isRehearsing } = this.source;
    return { [key]: { status, phase, ...(isRehearsing ? { detail: 'rehearsal' } : {}) } } as ReadinessResult<Key>;
  }
}
