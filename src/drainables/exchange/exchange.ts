import { type Verdict } from '../../admission/admission.js';
import { type Abandoned } from '../../in-flight/abandoned-work.js';
import { type Held } from '../../in-flight/lease.js';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { type Route } from './route.js';

const key = Symbol('nestjs-drain.exchange');

interface Carrier {
  [key]?: Exchange;
  readonly raw?: Carrier;
  readonly stream?: Carrier;
}

/**
 * The exchange of a request, raw or wrapped by Fastify; none where no gate of ours has seen it. Of an HTTP/2 request it
 * is the stream that carries it.
 */
export function exchangeOf(request: object): Exchange | undefined {
  const carrier = request as Carrier;
  return carrier[key] ?? carrier.raw?.[key] ?? (carrier.raw ?? carrier).stream?.[key];
}

/** The exchange that `carrier`, a raw request of HTTP/1.1 or a stream of HTTP/2, carries itself. */
export function exchangeOn(carrier: object): Exchange | undefined {
  return (carrier as Carrier)[key];
}

/**
 * One request and its response: one piece of in-flight work, from the request's head until the response has closed
 * *and* its handlers have ended, whichever comes last. A handler goes on when its client has left; a response goes on
 * when its handler has returned.
 */
export abstract class Exchange implements Held {
  route?: Route = undefined;
  verdict: Verdict = 'serve';
  older?: Held = undefined;
  newer?: Held = undefined;
  hasResponseEnded = false;
  /** Takes back that it was counted as traffic, where it was once clients were being told to leave. */
  uncount?: () => void = undefined;
  private holders = 1;
  /** What counts its handlers once its client has gone. */
  private abandoned?: Abandoned = undefined;

  constructor(
    carrier: object,
    readonly startedAt: number,
    private readonly tracker: InFlightTracker,
  ) {
    (carrier as Carrier)[key] = this;
  }

  /** The request's method. */
  abstract readonly method: string;
  /** The URL that it arrived with. A framework rewrites that of the request. */
  abstract readonly url: string;

  /** Reports, of a response that has closed, whether it was not whole: its client has gone. */
  protected abstract readonly isCutShort: boolean;

  /** Answers it as a late request. */
  abstract refuse(): void;

  /** It has arrived too late to be served, unless the route that it reaches is. */
  get isLate(): boolean {
    return this.verdict === 'late' || this.verdict === 'exempt';
  }

  get kind(): string {
    return this.hasResponseEnded ? 'handler' : 'request';
  }

  get name(): string {
    return `${this.method} ${this.route?.pattern ?? '(no route)'}`;
  }

  /** A handler has begun. Returns what ends it, to be called once. */
  begin(): () => void {
    this.holders++;
    return () => this.drop();
  }

  /** It is for a health route: no work, and no traffic. Its connection is still waited for. */
  disregard(): void {
    this.tracker.forget(this);
    this.uncount?.();
  }

  endResponse(): void {
    if (this.hasResponseEnded) return;
    this.hasResponseEnded = true;
    this.responseEnded();
    this.drop();
    if (this.holders > 0 && this.isCutShort) this.abandoned = this.tracker.abandon(this);
  }

  /** A handler, or the response, has ended. */
  private drop(): void {
    if (--this.holders > 0) return;
    if (this.abandoned) this.tracker.endAbandoned(this.abandoned);
    else this.tracker.remove(this);
  }

  /** Its connection hears of it. */
  protected abstract responseEnded(): void;
}
