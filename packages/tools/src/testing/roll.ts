import { type Leftover, type ShutdownPhase, type ShutdownReport } from 'nestjs-drain';

/**
 * One request of a drill that was not answered, or not rightly.
 *
 * @publicApi
 */
export interface RollFailure {
  /** Method and path. */
  readonly request: string;
  /** `refused`, `reset`, `cut-short`, `wrong-body`, `timed-out`, `malformed`, `other`, or `status-503` and its like. */
  readonly kind: string;
  /** When it was noticed, ms after the close began; negative before. */
  readonly sinceCloseMs: number;
  /** Where the shutdown stood then. */
  readonly phase: ShutdownPhase;
  /** How long after it had been sent, ms. */
  readonly afterMs: number;
  /** Whether an earlier request had used the same connection. */
  readonly reusedConnection: boolean;
  /** Who the platform had sent the connection to; left out where it had sent it to nobody. */
  readonly sentTo?: 'app' | 'successor';
  /** What else is known, such as the error of the socket. */
  readonly detail?: string;
}

/**
 * What became of an application that was rolled under traffic. Plain data.
 *
 * @publicApi
 */
export interface Roll {
  /** Requests with an outcome: `servedByApp + servedBySuccessor + failed`. */
  readonly requests: number;
  /** Requests without an answer, or without the right one. */
  readonly failed: number;
  /** Each request that failed. */
  readonly failures: readonly RollFailure[];
  /** Requests that the application answered. */
  readonly servedByApp: number;
  /** Requests that its successor answered. */
  readonly servedBySuccessor: number;
  /** The application's own report of its shutdown. */
  readonly shutdown: ShutdownReport;
  /** From the refusal of new work to the end of the last work in flight, ms. */
  readonly drainMs: number;
}

const failuresShown = 10;

/** Reports whether a drill that was to lose nothing did: no request, no work, and it was a drill at all. */
export function hasLostNothing({ failed, servedByApp, shutdown }: Roll): boolean {
  return failed === 0 && servedByApp > 0 && shutdown.outcome === 'drained' && shutdown.leftovers.length === 0;
}

/** What a test that fails should say of a roll. */
export function describeRoll(roll: Roll): string {
  const { failures, shutdown, requests, servedByApp, servedBySuccessor } = roll;
  const more = failures.length - failuresShown;
  return [
    `${requests} requests: ${servedByApp} served by the application, ${servedBySuccessor} by its ` +
      `successor, ${roll.failed} failed`,
    ...failures.slice(0, failuresShown).map((failure) => `  - ${describeFailure(failure)}`),
    ...(more > 0 ? [`  - and ${more} more`] : []),
    ...(servedByApp === 0 ? ['Nothing was served by the application, so nothing is shown.'] : []),
    `The shutdown: ${shutdown.outcome} after ${roll.drainMs} ms of draining ` +
      `(${shutdown.phases.map(({ phase, ms }) => `${phase} ${ms} ms`).join(', ')}), ` +
      `${shutdown.refused} late requests refused`,
    ...shutdown.leftovers.map((leftover) => `  - left over: ${describeLeftover(leftover)}`),
    ...shutdown.advice.map((advice) => `  - ${advice}`),
  ].join('\n');
}

function describeFailure(failure: RollFailure): string {
  const { request, kind, sinceCloseMs, phase, afterMs, reusedConnection, sentTo, detail } = failure;
  const when = `${Math.abs(Math.round(sinceCloseMs))} ms ${sinceCloseMs < 0 ? 'before' : 'after'} the close (${phase})`;
  const carrier = `${reusedConnection ? 'kept' : 'new'} connection${sentTo ? ` to the ${sentTo}` : ''}`;
  return (
    `${request}: ${kind} ${when}, ${Math.round(afterMs)} ms after it was sent, on a ` +
    `${carrier}${detail ? ` [${detail}]` : ''}`
  );
}

function describeLeftover({ kind, name, ageMs, detail }: Leftover): string {
  return `${kind} ${name}, ${ageMs} ms old${detail ? ` (${detail})` : ''}`;
}
