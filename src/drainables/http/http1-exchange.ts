import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { closeWithHead } from './close-with-head.js';
import { type Connection, type Pending } from './connection.js';
import { Exchange } from '../exchange/exchange.js';

/** Refuses exchanges. */
export interface Http1Refuser {
  refuse(exchange: Http1Exchange): void;
}

/** An exchange on an HTTP/1.1 connection, which its response may tell to close. */
export class Http1Exchange extends Exchange implements Pending {
  next?: Pending = undefined;
  saidClose = false;
  readonly url: string;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly connection: Connection,
    startedAt: number,
    tracker: InFlightTracker,
    private readonly refuser: Http1Refuser,
  ) {
    super(request, startedAt, tracker);
    this.url = request.url ?? '';
  }

  get method(): string {
    return this.request.method ?? '';
  }

  /** Reports whether its response is the last on its connection, as far as is known. */
  get isLast(): boolean {
    return this.connection.lastExchange === this;
  }

  protected get isCutShort(): boolean {
    return !this.response.writableFinished;
  }

  refuse(): void {
    this.refuser.refuse(this);
  }

  tellToLeave(isWanted: () => boolean, told: (connection: Connection) => void): void {
    closeWithHead(
      this.response,
      () => this.isLast && isWanted(),
      () => {
        this.saidClose = true;
        this.connection.isTold = true;
        told(this.connection);
      },
    );
  }

  protected responseEnded(): void {
    this.connection.ended(this);
  }
}
