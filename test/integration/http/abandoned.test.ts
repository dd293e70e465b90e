import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type ClientHttp2Stream, constants } from 'node:http2';
import { closeAll, connect, frameworks, holds, start } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { Http2Client } from '../../support/http2-client.js';

let gate: Gate;

type Wrapped<T> = T & { readonly raw?: T };

@Controller()
class Endless {
  static begun = 0;

  @Post('upload')
  upload(@Req() request: Wrapped<IncomingMessage>): Promise<void> {
    Endless.begun++;
    return new Promise((resolve) => (request.raw ?? request).on('end', resolve));
  }

  @Get('download')
  download(@Res() response: Wrapped<ServerResponse> & { hijack?(): void }): Promise<void> {
    Endless.begun++;
    const raw = response.raw ?? response;
    response.hijack?.();
    raw.writeHead(200);
    raw.write('a piece');
    return new Promise((resolve) => raw.on('finish', resolve));
  }

  @Get('endless')
  endless(): Promise<void> {
    Endless.begun++;
    return new Promise(() => undefined);
  }

  /** Goes on once its answer is out. */
  @Get('afterwards')
  async afterwards(@Res() response: Wrapped<ServerResponse> & { hijack?(): void }): Promise<void> {
    response.hijack?.();
    (response.raw ?? response).end('whole');
    await gate.pass();
  }

  /** Ends when the test lets it. */
  @Get('held')
  async held(): Promise<string> {
    Endless.begun++;
    await gate.pass();
    return 'held';
  }
}

afterEach(closeAll);

const upload = 'POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf';
const download = 'GET /download HTTP/1.1\r\nHost: x\r\n\r\n';

describe.each(frameworks)('A client that leaves in the middle of its request, on %s', (framework) => {
  const startEndless = (drain?: number) =>
    start({ framework, protocol: 'http' }, { controllers: [Endless], drain, nest: { bodyParser: false } });

  /** Sends `head`, and leaves once its handler has begun. */
  async function leave(held: Awaited<ReturnType<typeof startEndless>>, head: string): Promise<void> {
    const { client, socket } = await connect(held);
    const before = Endless.begun;
    client.write(head);
    await holds(() => Endless.begun > before);
    client.destroy();
    await holds(() => socket.destroyed);
  }

  it.each(
    framework === 'express'
      ? ([
          ['upload', upload],
          ['download', download],
        ] as const)
      : ([['download', download]] as const),
  )(
    'does not hold the shutdown for longer than a moment: an endless %s is named, and the end is clean',
    async (route, head) => {
      const held = await startEndless();
      await leave(held, head);
      await leave(held, head);
      await held.app.close();
      const report = await held.shutdown.closed;
      expect(report).toMatchObject({ outcome: 'drained', clean: true });
      const [method] = head.split(' ');
      const name = `${method} /${route}`;
      expect(report.leftovers).toEqual([
        { kind: 'handler', name, ageMs: expect.any(Number), detail: 'abandoned: 2 clients had gone' },
      ]);
      expect(report.advice).toContainEqual(expect.stringMatching(`${name}.*req\\.on\\('close'\\)`));
    },
  );

  it('is waited for while its handler ends by itself within the moment', async () => {
    gate = new Gate();
    const held = await startEndless();
    await leave(held, 'GET /held HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(held.shutdown.inFlight).toBe(1);
    const closed = held.app.close();
    await holds(() => held.shutdown.phase === 'draining');
    gate.release();
    await closed;
    const report = await held.shutdown.closed;
    expect(report).toMatchObject({ clean: true, leftovers: [], inFlight: { atSignal: 1, finished: 1 } });
  });

  it('is clean at the end of a drain that is shorter than the moment', async () => {
    const held = await startEndless(400);
    await leave(held, download);
    await held.app.close();
    expect(await held.shutdown.closed).toMatchObject({
      outcome: 'drained',
      clean: true,
      leftovers: [{ kind: 'handler' }],
    });
  });

  it('is told apart from a request that the deadline cuts (control)', async () => {
    gate = new Gate();
    const held = await startEndless(100);
    const { client } = await connect(held);
    client.write('GET /held HTTP/1.1\r\nHost: x\r\n\r\n');
    await holds(() => held.shutdown.inFlight === 1);
    await held.app.close();
    const { outcome, leftovers } = await held.shutdown.closed;
    expect({ outcome, leftovers }).toEqual({
      outcome: 'timed-out',
      leftovers: [{ kind: 'request', name: 'GET /held', ageMs: expect.any(Number) }],
    });
  });
});

describe.each(['http', 'https'] as const)(
  'A client that leaves in the middle of its stream, HTTP/2 over %s',
  (protocol) => {
    it.each([
      ['cancels it', (stream: ClientHttp2Stream) => stream.close(constants.NGHTTP2_CANCEL)],
      ['breaks its session off', (stream: ClientHttp2Stream) => stream.session!.destroy()],
    ])('does not hold the shutdown for longer than a moment when it %s', async (_, leave) => {
      const held = await start({ framework: 'fastify', protocol, http2: 'alone' }, { controllers: [Endless] });
      const client = await Http2Client.connect(held.url);
      const before = Endless.begun;
      const stream = client.open('/endless');
      stream.on('error', () => undefined);
      await holds(() => Endless.begun > before);
      leave(stream);
      await holds(() => stream.destroyed);
      client.destroy();
      await held.app.close();
      expect(await held.shutdown.closed).toMatchObject({
        outcome: 'drained',
        clean: true,
        leftovers: [{ kind: 'handler', name: 'GET /endless', detail: 'abandoned: its client had gone' }],
      });
    });

    it('leaves a handler whose answer is out among those that are waited for (control)', async () => {
      gate = new Gate();
      const held = await start(
        { framework: 'fastify', protocol, http2: 'alone' },
        { controllers: [Endless], drain: 100 },
      );
      const client = await Http2Client.connect(held.url);
      expect(await client.request('/afterwards')).toMatchObject({ outcome: 'answered', body: 'whole' });
      client.destroy();
      await held.app.close();
      const { outcome, leftovers } = await held.shutdown.closed;
      expect({ outcome, leftovers }).toEqual({
        outcome: 'timed-out',
        leftovers: [{ kind: 'handler', name: 'GET /afterwards', ageMs: expect.any(Number) }],
      });
      gate.release();
    });
  },
);
