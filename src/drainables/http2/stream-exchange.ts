import { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type RequestHead } from '../../admission/admission.js';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { type Refusals } from '../../refusal/refusals.js';
import { Exchange } from '../exchange/exchange.js';
import { NO_ERROR } from '../shared/http2-frames.js';
import { type Session } from '../shared/http2-session.js';

/**
 * An exchange on an HTTP/2 stream. No `Connection` header is ever written there: sessions are told to leave by frames.
 */
export class StreamExchange extends Exchange implements RequestHead {
  constructor(
    readonly stream: ServerHttp2Stream,
    readonly headers: IncomingHttpHeaders,
    readonly session: Session,
    startedAt: number,
    tracker: InFlightTracker,
    private readonly refusals: Pick<Refusals, 'refuseStream'>,
  ) {
    super(stream, startedAt, tracker);
  }

  get method(): string {
    return String(this.headers[':method'] ?? '');
  }

  get url(): string {
    return String(this.headers[':path'] ?? '');
  }

  protected get isCutShort(): boolean {
    return this.stream.aborted || this.stream.rstCode !== NO_ERROR;
  }

  refuse(): void {
    this.refusals.refuseStream(this.stream, this.headers);
  }

  protected responseEnded(): void {
    this.session.streamEnded();
  }
}
