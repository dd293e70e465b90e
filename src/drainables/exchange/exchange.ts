import { type Verdict } from '../../admission/admission.js';
import { type Abandoned } from '../../in-flight/abandoned-work.js';
import { type Held } from '../../in-flight/lease.js';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { type Route } from './route.js';

const key = Symbol('nestjs-drain.exchange');

/** A connection that knows the exchanges of the requests that have come over its socket. */
export interface ExchangeFinder {
  /** The exchange of a raw request whose response has not ended. */
  find(request: object): Exchange | undefined;
  /** Reports whether it has had requests, and leads to none of them any longer. */
  readonly hasForgotten: boolean;
}

interface Stream {
  [key]?: Exchange;
}

interface Socket {
  [key]?: ExchangeFinder;
}

interface RawRequest {
  readonly socket?: Socket | null;
  readonly stream?: Stream | null;
}

interface Request extends RawRequest {
  readonly raw?: RawRequest | null;
}

/**
 * The exchange of a request, raw or wrapped by Fastify; none where no gate of ours has seen it, and none once the
 * response of an HTTP/1.1 request has ended.
 *
 * Nothing is written on requests: objects of another shape than Node knows slow down each function of Node's that they
 * come through, and that cost more than all the rest. A stream of HTTP/2 carries its exchange, and a connection of
 * HTTP/1.1 knows its own.
 */
export function exchangeOf(request: object): Exchange | undefined {
  const { raw } = request as Request;
  return (raw === undefined || raw === null ? undefined : carriedBy(raw)) ?? carriedBy(request);
}

function carriedBy(request: RawRequest): Exchange | undefined {
  const { stream } = request;
  if (stream !== undefined && stream !== null) {
    const exchange = stream[key];
    // The socket of an HTTP/2 request raises when its session has gone.
    if (exchange !== undefined || isHttp2(request)) return exchange;
  }
  return request.socket?.[key]?.find(request);
}

/** Reports whether a gate of ours has seen a request of HTTP/1.1 whose response has ended. */
export function hasEnded(request: object): boolean {
  const raw: RawRequest = (request as Request).raw ?? request;
  return !isHttp2(raw) && raw.socket?.[key]?.hasForgotten === true && exchangeOf(request) === undefined;
}

function isHttp2(request: object): boolean {
  return (request as { readonly httpVersionMajor?: unknown }).httpVersionMajor === 2;
}

export function finderOn(socket: object): ExchangeFinder | undefined {
  return (socket as Socket)[key];
}

/** Has `finder` tell the exchanges of all requests that come over `socket`. */
export function putFinderOn(socket: object, finder: ExchangeFinder): void {
  (socket as Socket)[key] = finder;
}

/** Has a stream of HTTP/2 carry its exchange. */
export function putExchangeOn(stream: object, exchange: Exchange): void {
  (stream as Stream)[key] = exchange;
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
    readonly startedAt: number,
    private readonly tracker: InFlightTracker,
  ) {}

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
