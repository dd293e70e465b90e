import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Held } from '../../in-flight/lease.js';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { type Connection, type Pending } from './connection.js';
import { type Route } from './route.js';

const key = Symbol('nestjs-drain.exchange');

interface Carrier {
  [key]?: Exchange;
  readonly raw?: Carrier;
}

/** The exchange of a request, raw or wrapped by Fastify; none where no gate of ours has seen it. */
export function exchangeOf(request: object): Exchange | undefined {
  const carrier = request as Carrier;
  return carrier[key] ?? carrier.raw?.[key];
}

/**
 * One request and its response: one piece of in-flight work, from the request's head until the response has closed *and* its handlers
 * have ended, whichever comes last. A handler goes on when its client has left; a response goes on when its handler has returned.
 */
export class Exchange implements Held, Pending {
  route?: Route;
  /** It arrived in `draining` or later. */
  isLate = false;
  next?: Pending;
  older?: Held;
  newer?: Held;
  hasResponseEnded = false;
  private holders = 1;
  private toldToLeave = false;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly connection: Connection,
    readonly startedAt: number,
    private readonly tracker: InFlightTracker,
    /** Answers it as a late request. */
    readonly refuse: (exchange: Exchange) => void,
  ) {
    (request as Carrier)[key] = this;
  }

  get kind(): string {
    return this.hasResponseEnded ? 'handler' : 'request';
  }

  get name(): string {
    return `${this.request.method ?? ''} ${this.route?.pattern ?? '(no route)'}`;
  }

  /** A handler has begun. */
  hold(): void {
    this.holders++;
  }

  /** A handler, or the response, has ended. */
  drop(): void {
    if (--this.holders === 0) this.tracker.remove(this);
  }

  /** It is for a health route: no work, and no traffic. Its connection is still waited for. */
  disregard(): void {
    this.tracker.forget(this);
  }

  endResponse(): void {
    if (this.hasResponseEnded) return;
    this.hasResponseEnded = true;
    this.connection.ended(this);
    this.drop();
  }

  tellToLeave(): boolean {
    if (this.response.headersSent) return false;
    this.response.setHeader('Connection', 'close');
    this.toldToLeave = true;
    this.connection.isTold = true;
    return true;
  }

  takeBack(): void {
    if (!this.toldToLeave || this.response.headersSent) return;
    this.response.removeHeader('Connection');
    this.toldToLeave = false;
  }

  /** Reports whether a head with our `Connection: close` has been sent. A framework may have written another value over it. */
  get saidClose(): boolean {
    return (
      this.toldToLeave &&
      this.response.headersSent &&
      String(this.response.getHeader('connection')).toLowerCase() === 'close'
    );
  }
}
