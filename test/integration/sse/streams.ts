import {
  Controller,
  Get,
  Header,
  Inject,
  type MessageEvent,
  Optional,
  Post,
  Req,
  Res,
  ServiceUnavailableException,
  Sse,
} from '@nestjs/common';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { concat, EMPTY, fromEvent, merge, Observable, of, takeUntil } from 'rxjs';
import { AllowDuringShutdown, GracefulShutdown, ReadinessHealthIndicator } from '../../../src/index.js';
import { type ApplicationSetup, type Platform, type RunningApplication, start } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { rawResponse } from '../http/orders.js';

export interface Streams extends RunningApplication {
  /** Holds `GET /poll`, `GET /guarded`, `GET /negotiated` and `POST /generated`. */
  readonly gate: Gate;
  /** The responses of `GET /hand`, for the test to write on. */
  readonly hands: readonly ServerResponse[];
  /** Streams of `GET /events` that have been subscribed to, and not unsubscribed from. */
  readonly subscribers: () => number;
  /** Sends an event to everyone who reads `GET /events`. */
  emit(event: MessageEvent): void;
}

/**
 * An application with a stream of every kind:
 *
 * - `GET /events` is Nest's `@Sse()`: a first event, and what the test emits
 * - `GET /own` ends its stream itself, with a last event, when draining begins
 * - `GET /hand` sends a head of its own, and what the test writes
 * - `GET /opening` waits at the gate before it opens its stream
 * - `POST /generated` answers with a stream that waits at the gate, and ends with `done`
 * - `GET /negotiated` answers JSON to whoever accepts events too: a part, the gate, and the rest
 * - `GET /poll` waits at the gate; `GET /download` never stops sending
 */
export async function startStreams(platform: Platform, setup: ApplicationSetup = {}): Promise<Streams> {
  const gate = new Gate();
  const hands: ServerResponse[] = [];
  const subscribers = new Set<(event: MessageEvent) => void>();
  const emitted = () =>
    new Observable<MessageEvent>((subscriber) => {
      const next = (event: MessageEvent) => subscriber.next(event);
      subscribers.add(next);
      return () => void subscribers.delete(next);
    });

  @Controller()
  class StreamsController {
    constructor(@Optional() @Inject(GracefulShutdown) private readonly shutdown?: GracefulShutdown) {}

    @Sse('events')
    events(): Observable<MessageEvent> {
      return merge(of({ id: '1', data: 'first' }), emitted());
    }

    @Sse('own')
    own(): Observable<MessageEvent> {
      const draining = this.shutdown ? fromEvent(this.shutdown.drainingSignal, 'abort') : EMPTY;
      return concat(
        merge(of({ data: 'first' }), emitted()).pipe(takeUntil(draining)),
        of({ type: 'bye', data: 'now' }),
      );
    }

    @Get('hand')
    hand(@Res() response: object): void {
      const raw = rawResponse(response);
      raw.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
      raw.flushHeaders();
      hands.push(raw);
    }

    @Get('opening')
    async opening(@Res() response: object): Promise<void> {
      const raw = rawResponse(response);
      await gate.pass();
      raw.writeHead(200, ['content-type', 'text/event-stream']);
      raw.write('data: first\n\n');
    }

    @Post('generated')
    async generated(@Res() response: object): Promise<void> {
      const raw = rawResponse(response);
      raw.writeHead(200, { 'Content-Type': 'text/event-stream' });
      raw.write('data: begun\n\n');
      await gate.pass();
      raw.end('data: done\n\n');
    }

    @Get('negotiated')
    async negotiated(@Res() response: object): Promise<void> {
      const raw = rawResponse(response);
      raw.writeHead(200, { 'Content-Type': 'application/json' });
      raw.write('{"is":');
      await gate.pass();
      raw.end('"whole"}');
    }

    @Get('poll')
    @Header('Cache-Control', 'no-store')
    async poll(): Promise<object> {
      await gate.pass();
      return { is: 'whole' };
    }

    @Get('download')
    download(@Req() request: { raw?: IncomingMessage }, @Res() response: object): Promise<void> {
      const raw = rawResponse(response);
      raw.writeHead(200, { 'Content-Type': 'application/octet-stream' });
      const chunk = Buffer.alloc(65_536, 'x');
      return new Promise((resolve) => {
        const send = () => {
          if (raw.destroyed) return;
          if (raw.write(chunk)) setImmediate(send);
          else raw.once('drain', send);
        };
        raw.once('close', resolve);
        send();
      });
    }
  }

  @Controller('health')
  class HealthController {
    constructor(@Optional() private readonly readiness?: ReadinessHealthIndicator) {}

    @Get('ready')
    @AllowDuringShutdown()
    async ready(): Promise<object> {
      const result = await this.readiness?.isReady('ready');
      if (result?.ready.status === 'down') throw new ServiceUnavailableException(result);
      return result ?? {};
    }
  }

  const running = await start(platform, {
    ...setup,
    controllers: [StreamsController, HealthController, ...(setup.controllers ?? [])],
  });
  const emit = (event: MessageEvent) => {
    for (const next of [...subscribers]) next(event);
  };
  return { ...running, gate, hands, subscribers: () => subscribers.size, emit };
}

/** The head of a request for a stream, as an `EventSource` sends it. */
export const ask = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: test', 'Accept: text/event-stream', ...headers].join('\r\n').concat('\r\n\r\n');
