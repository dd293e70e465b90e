import { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { Exchange } from '../exchange/exchange.js';
import { type Session } from './session.js';

/** An exchange on an HTTP/2 stream. No `Connection` header is ever written there: sessions are told to leave by frames. */
export class StreamExchange extends Exchange {
  constructor(
    readonly stream: ServerHttp2Stream,
    readonly headers: IncomingHttpHeaders,
    readonly session: Session,
    startedAt: number,
    tracker: InFlightTracker,
    private readonly answerLate: (exchange: StreamExchange) => void,
  ) {
    super(stream, startedAt, tracker);
  }

  get method(): string {
    return String(this.headers[':method'] ?? '');
  }

  get path(): string {
    return String(this.headers[':path'] ?? '');
  }

  refuse(): void {
    this.answerLate(this);
  }

  protected responseEnded(): void {
    this.session.streamEnded();
  }
}
