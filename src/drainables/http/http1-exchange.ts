import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { type Connection, type Pending } from './connection.js';
import { Exchange } from '../exchange/exchange.js';

/** An exchange on an HTTP/1.1 connection, which its response may tell to close. */
export class Http1Exchange extends Exchange implements Pending {
  next?: Pending;
  private toldToLeave = false;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly connection: Connection,
    startedAt: number,
    tracker: InFlightTracker,
    private readonly answerLate: (exchange: Http1Exchange) => void,
  ) {
    super(request, startedAt, tracker);
  }

  get method(): string {
    return this.request.method ?? '';
  }

  refuse(): void {
    this.answerLate(this);
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

  protected responseEnded(): void {
    this.connection.ended(this);
  }
}
