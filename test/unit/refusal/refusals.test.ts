import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { type ServerHttp2Stream } from 'node:http2';
import { type Socket } from 'node:net';
import { type ResolvedLateRequestOptions } from '../../../src/refusal/late-request-options.js';
import { type Refusable, Refusals } from '../../../src/refusal/refusals.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

const origin = 'https://shop.example';
const defaults = { statusCode: 503, retryAfterSeconds: 1, listener: 'open', cors: false } as const;
const body = { message: 'The server is shutting down', error: 'Service Unavailable', statusCode: 503 };

class FakeRequest extends EventEmitter {
  destroyed = false;
  headers: Record<string, string> = {};
  isResumed = false;
  constructor(
    readonly method = 'GET',
    readonly complete = true,
  ) {
    super();
  }
  resume(): void {
    this.isResumed = true;
  }
}

class FakeResponse {
  headersSent = false;
  destroyed = false;
  statusCode = 200;
  ended?: { body: unknown };
  headers: Record<string, unknown> = { 'x-powered-by': 'Express' };
  getHeaderNames(): string[] {
    return Object.keys(this.headers);
  }
  removeHeader(name: string): void {
    delete this.headers[name];
  }
  setHeader(name: string, value: unknown): void {
    this.headers[name] = value;
  }
  end(text: unknown): void {
    this.ended = { body: text };
  }
}

let clock: FakeClock;
let refused: number;
let response: FakeResponse;

beforeEach(() => {
  clock = new FakeClock();
  refused = 0;
  response = new FakeResponse();
});

const make = (options: Partial<ResolvedLateRequestOptions> = {}, eventStreamRetryMs?: number) =>
  new Refusals({ ...defaults, ...options }, { clock, eventStreamRetryMs, refused: () => refused++ });
const refuse = (request: FakeRequest, isBodyHeldBack = false, refusals = make()) =>
  refusals.refuse({ request, response } as unknown as Refusable, isBodyHeldBack);

describe('Refusals', () => {
  it('answers with the status, Retry-After, and a body of the shape in which Nest answers errors', () => {
    const answer = make().answerTo({ method: 'GET', headers: {} });
    expect(answer).toMatchObject({ statusCode: 503, headers: { 'Retry-After': 1 } });
    expect(JSON.parse(answer.body)).toEqual(body);
    expect(answer.headers['Content-Length']).toBe(answer.body.length);
  });

  it('takes status and Retry-After from the options', () => {
    const answer = make({ statusCode: 429, retryAfterSeconds: 7 }).answerTo({ headers: {} });
    expect(answer).toMatchObject({ statusCode: 429, headers: { 'Retry-After': 7 } });
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'Too Many Requests', statusCode: 429 });
    expect(JSON.parse(make({ statusCode: 599 }).answerTo({ headers: {} }).body)).toMatchObject({ error: 'Error' });
  });

  it('lets other origins read the answer, and sends preflights on, where the options say so', () => {
    const refusals = make({ cors: true });
    const headers = { origin, 'access-control-request-method': 'PUT' };
    expect(refusals.answerTo({ method: 'PUT', headers }).headers).toMatchObject({
      'Retry-After': 1,
      'Access-Control-Allow-Origin': origin,
    });
    expect(refusals.answerTo({ method: 'OPTIONS', headers }).statusCode).toBe(204);
    expect(make().answerTo({ method: 'OPTIONS', headers }).statusCode).toBe(503);
    expect(make().answerTo({ method: 'PUT', headers }).headers).not.toHaveProperty('Access-Control-Allow-Origin');
  });

  it('answers an EventSource with an empty stream that tells it when to come back', () => {
    const request = { method: 'GET', headers: { accept: 'text/event-stream' } };
    expect(make().answerTo(request)).toMatchObject({
      statusCode: 200,
      body: expect.stringMatching(/^retry: \d+\n\n$/),
    });
    const ms = Number(/\d+/.exec(make({}, 60_000).answerTo(request).body)![0]);
    expect(ms).toBeGreaterThanOrEqual(30_000);
    expect(ms).toBeLessThanOrEqual(90_000);
  });

  it('refuses in the turn that follows, and leaves nothing of what a framework has set', async () => {
    refuse(new FakeRequest());
    expect([response.ended, refused]).toEqual([undefined, 1]);
    await settle();
    expect(response.statusCode).toBe(503);
    expect(JSON.parse(String(response.ended?.body))).toEqual(body);
    expect(Object.keys(response.headers)).toEqual(['Retry-After', 'Content-Type', 'Content-Length']);
  });

  it('leaves out the body for HEAD, and leaves an answer alone that is out', async () => {
    refuse(new FakeRequest('HEAD'));
    await settle();
    expect(response.ended).toEqual({ body: undefined });
    response = new FakeResponse();
    response.headersSent = true;
    refuse(new FakeRequest());
    await settle();
    expect(response.ended).toBeUndefined();
  });

  it('reads an upload first, so that its client reads the answer', async () => {
    const request = new FakeRequest('POST', false);
    refuse(request);
    await settle();
    request.emit('data', Buffer.alloc(1_000));
    expect(response.ended).toBeUndefined();
    request.emit('end');
    expect([response.statusCode, request.isResumed]).toEqual([503, true]);
    clock.assertNoTimerLeft();
  });

  it.each([
    ['longer than it should', (request: FakeRequest) => request.emit('data', Buffer.alloc(1024 * 1024 + 1))],
    ['more slowly than it should', () => clock.advance(500)],
    ['no further', (request: FakeRequest) => request.emit('close')],
  ])('does not wait for an upload that comes %s', async (_, act) => {
    const request = new FakeRequest('POST', false);
    refuse(request);
    await settle();
    await act(request);
    expect(response.statusCode).toBe(503);
    clock.assertNoTimerLeft();
  });

  it('does not wait for a body that its client holds back', async () => {
    refuse(new FakeRequest('POST', false), true);
    await settle();
    expect(response.statusCode).toBe(503);
  });

  it('refuses an upgrade with a whole answer, and closes in stages', async () => {
    let wire = '';
    let isEnded = false;
    const socket = Object.assign(new EventEmitter(), {
      bytesRead: 0,
      destroyed: false,
      write: (text: string) => (wire += text),
      end: () => (isEnded = true),
      resume: () => undefined,
      destroy: () => (socket.destroyed = true),
    });
    make().refuseUpgrade(socket as unknown as Socket);
    expect(wire).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n/);
    expect(JSON.parse(wire.slice(wire.indexOf('\r\n\r\n')))).toEqual(body);
    expect([isEnded, socket.destroyed, refused]).toEqual([true, false, 1]);
    await clock.advance(1_000);
    expect(socket.destroyed).toBe(true);
  });

  it('refuses a stream of HTTP/2, and does not need the rest of an upload', () => {
    const told: unknown[] = [];
    const stream = Object.assign(new EventEmitter(), {
      destroyed: false,
      headersSent: false,
      respond: (headers: object) => told.push(headers),
      end: (text: string) => told.push(text),
      close: (code: number) => told.push(code),
      resume: () => undefined,
    });
    const refusals = make({ cors: true });
    const send = (headers: Record<string, string>) =>
      refusals.refuseStream(stream as unknown as ServerHttp2Stream, headers);
    send({ ':method': 'POST', ':path': '/orders', origin });
    stream.emit('finish');
    expect(told).toEqual([
      expect.objectContaining({ ':status': 503, 'Retry-After': 1, 'Access-Control-Allow-Origin': origin }),
      JSON.stringify(body),
      0,
    ]);
    stream.headersSent = true;
    send({ ':method': 'POST' });
    expect([told.length, refused]).toEqual([3, 1]);
  });
});
