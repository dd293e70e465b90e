import { asyncScheduler, defer, type MonoTypeOperatorFunction, retry, tap, throwError, timer } from 'rxjs';
import { isRefusal } from './refusal.js';
import { watchClient } from './watched-client.js';

/**
 * A client of a microservice: a `ClientProxy` of `@nestjs/microservices`.
 *
 * @publicApi
 */
export interface DrainingClient {
  /** Connects, where it is not connected. */
  connect(): Promise<unknown>;
  /** Closes its connection. */
  close(): unknown;
}

/**
 * How long, and how often, a call is sent again.
 *
 * @publicApi
 */
export interface RetryWhenDrainingOptions {
  /** How many times a call is sent again. @default 8 */
  readonly attempts?: number;
  /** No call is sent again later than this after it was sent first, ms. @default 10000 */
  readonly withinMs?: number;
  /**
   * How long the first pause is, ms. Each is twice as long as the one before, and a random part, up to half, is taken
   * off, so that clients of one server do not all come back at once. @default 25
   */
  readonly firstPauseMs?: number;
  /** How long a pause is at most, ms. @default 1000 */
  readonly longestPauseMs?: number;
}

const defaults: Required<RetryWhenDrainingOptions> = {
  attempts: 8,
  withinMs: 10_000,
  firstPauseMs: 25,
  longestPauseMs: 1_000,
};

/**
 * Sends a call over TCP again that a server has refused because it is being shut down, so that another replica answers
 * it. A server that uses `GracefulShutdownModule` answers such calls with the code `DRAINING`, and has not executed
 * them.
 *
 * Sent again is
 * - what was answered `DRAINING`;
 * - what met "Connection closed" after the server had said on the same connection that it executes nothing further;
 * - what was to be sent again, and met nobody who listens (`ECONNREFUSED`).
 *
 * Everything else, and what has been answered in part, fails as it does without. The client connects anew as soon as
 * its server says that it drains: what it calls and emits next goes elsewhere, and calls that are in progress are
 * answered on the connection they were sent by. For that the operator stands in for some of the client's methods.
 *
 * A handler that passes the `DRAINING` of a server on that it has called itself says that it has not been executed: let
 * it use this operator as well.
 *
 * It is meant for `ClientTCP` of Nest 11 and 12. With any other client it sends again what was answered `DRAINING`.
 *
 * @example
 * ```ts
 * this.client.send<Order>('orders.find', { id }).pipe(retryWhenDraining(this.client));
 * ```
 *
 * @param client the one that the call is sent with
 * @param options how long, and how often
 * @throws TypeError where an option is no number, or negative
 * @publicApi
 */
export function retryWhenDraining<T>(
  client: DrainingClient,
  options: RetryWhenDrainingOptions = {},
): MonoTypeOperatorFunction<T> {
  const { attempts, withinMs, firstPauseMs, longestPauseMs } = resolved(options);
  watchClient(client);
  return (source) =>
    defer(() => {
      const giveUpAt = asyncScheduler.now() + withinMs;
      let isAnswered = false;
      let isRefused = false;
      const pauseOrFail = (error: unknown, attempt: number) => {
        const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
        const pauseMs = longest * (1 - Math.random() / 2);
        const maySend = isRefusal(error) || (isRefused && hasNobodyListened(error));
        if (isAnswered || !maySend || asyncScheduler.now() + pauseMs > giveUpAt) return throwError(() => error);
        isRefused = true;
        return timer(pauseMs);
      };
      return source.pipe(
        tap(() => (isAnswered = true)),
        retry({ count: attempts, delay: pauseOrFail }),
      );
    });
}

/** A port on which nobody listens: nothing has been sent. */
function hasNobodyListened(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === 'ECONNREFUSED';
}

function resolved(options: RetryWhenDrainingOptions): Required<RetryWhenDrainingOptions> {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined || (typeof value === 'number' && value >= 0)) continue;
    throw new TypeError(
      `Expected ${name} of retryWhenDraining() to be a number that is not negative, got ${JSON.stringify(value)}. Leave it ` +
        'out for its default.',
    );
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}
