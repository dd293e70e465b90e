import { afterEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Param, Post, Res, StreamableFile } from '@nestjs/common';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { AllowDuringShutdown, type GracefulShutdownOptions } from '../../../src/index.js';
import {
  closeAll,
  enters,
  holdDraining,
  holdLameDuck,
  holds,
  type Platform,
  refuses,
  type RunningApplication,
  start,
  turns,
} from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { HoldingProxy } from '../../support/holding-proxy.js';
import { ended, Http2Client } from '../../support/http2-client.js';
import { request } from '../../support/raw-client.js';

const flavours: readonly { name: string; platform: Platform }[] = [
  { name: 'cleartext', platform: { framework: 'fastify', protocol: 'http', http2: 'alone' } },
  { name: 'TLS', platform: { framework: 'fastify', protocol: 'https', http2: 'alone' } },
  { name: 'TLS beside HTTP/1.1', platform: { framework: 'fastify', protocol: 'https', http2: 'beside HTTP/1.1' } },
];
const last = 2 ** 31 - 1;

let gate: Gate;
let served: string[] = [];

@Controller()
class Things {
  @Get('fast/:n')
  fast(@Param('n') n: string): string {
    served.push(n);
    return `answer ${n}`;
  }

  @Get('held')
  async held(): Promise<string> {
    await gate.pass();
    return 'held answer';
  }

  @Post('echo')
  echo(@Body() body: { text: string }): { text: string } {
    return { text: body.text };
  }

  /** Never comes to its end. */
  @Get('download')
  download(): StreamableFile {
    return new StreamableFile(
      new Readable({
        read() {
          setImmediate(() => this.push(Buffer.alloc(1_024)));
        },
      }),
    );
  }

  /** Its head goes out at once, its end when the gate opens. */
  @Get('stream')
  async stream(@Res() reply: { raw: { write(text: string): void; end(text: string): void } }): Promise<void> {
    reply.raw.write('begun ');
    await gate.pass();
    reply.raw.end('ended');
  }
}

@Controller('health')
@AllowDuringShutdown()
class Health {
  @Get()
  check(): string {
    return 'alive';
  }
}

const clients: Http2Client[] = [];
const proxies: HoldingProxy[] = [];

async function running(
  platform: Platform,
  drain: GracefulShutdownOptions | false = {},
): Promise<RunningApplication & { client: Http2Client }> {
  gate = new Gate();
  served = [];
  const app = await start(platform, { controllers: [Things, Health], drain });
  return { ...app, client: await connect(app.url) };
}

async function connect(url: string): Promise<Http2Client> {
  const client = await Http2Client.connect(url);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const proxy of proxies.splice(0)) await proxy.close();
  await closeAll();
});

describe.each(flavours)('HTTP/2 over $name', ({ platform }) => {
  it('counts a stream from its head until it has closed', async () => {
    const { client, shutdown } = await running(platform);
    const answer = client.request('/held');
    await gate.entered;
    expect(shutdown.inFlight).toBe(1);
    gate.release();
    expect(await answer).toMatchObject({ outcome: 'answered', status: 200, body: 'held answer' });
    await holds(() => shutdown.inFlight === 0);
  });

  it('finishes streams in flight, and says GOAWAY twice, for none and for the last', async () => {
    const { app, client, shutdown } = await running(platform);
    const answer = client.request('/held');
    await gate.entered;
    const closed = app.close();
    await refuses(shutdown);
    await holds(() => client.goaways.length > 0);
    gate.release();
    expect(await answer).toMatchObject({ outcome: 'answered', status: 200, body: 'held answer' });
    await client.closed;
    await closed;
    expect(client.goaways[0]).toBe(last);
    expect(client.goaways.at(-1)).toBe(1);
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', clean: true, leftovers: [], refused: 0 });
  });

  it('counts a handler once with the interceptor, too', async () => {
    const { app, client, shutdown } = await running(platform, { httpTracking: 'interceptor' });
    const answer = client.request('/held');
    await gate.entered;
    expect(shutdown.inFlight).toBe(1);
    const closed = app.close();
    await refuses(shutdown);
    gate.release();
    expect(await answer).toMatchObject({ outcome: 'answered', body: 'held answer' });
    await closed;
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', inFlight: { atSignal: 1, finished: 1 } });
  });

  it('finishes a response whose head is out', async () => {
    const { app, client, shutdown } = await running(platform);
    const stream = client.open('/stream');
    const answer = ended(stream);
    await once(stream, 'response');
    const closed = app.close();
    await refuses(shutdown);
    gate.release();
    expect(await answer).toMatchObject({ outcome: 'answered', body: 'begun ended' });
    await closed;
    expect((await shutdown.closed).outcome).toBe('drained');
  });

  it('finishes an upload whose body is still coming in', async () => {
    const { app, client, shutdown } = await running(platform);
    const stream = client.open('/echo', { 'content-type': 'application/json' }, undefined, true);
    const answer = ended(stream);
    stream.write('{"text":');
    await holds(() => shutdown.inFlight === 1);
    const closed = app.close();
    await refuses(shutdown);
    await holds(() => client.goaways.length > 0);
    stream.end('"whole"}');
    expect(await answer).toMatchObject({ outcome: 'answered', status: 201, body: '{"text":"whole"}' });
    await closed;
  });

  it('closes idle sessions at once when draining starts', async () => {
    const { app, url, client, shutdown } = await running(platform, { drainTimeoutMs: 20_000 });
    const silent = await connect(url);
    await client.request('/fast/1');
    await app.close();
    await Promise.all([client.closed, silent.closed]);
    const report = await shutdown.closed;
    expect(report).toMatchObject({ outcome: 'drained', leftovers: [] });
    expect(report.totalMs).toBeLessThan(5_000);
    expect(silent.goaways.at(-1)).toBe(0);
  });

  it('without the module keeps the application from closing while a session is open', async () => {
    const { app, client } = await running(platform, false);
    const answer = client.request('/held');
    await gate.entered;
    let hasClosed = false;
    const closed = app.close().then(() => (hasClosed = true));
    await turns(50);
    expect(hasClosed).toBe(false);
    gate.release();
    await answer;
    client.destroy();
    await closed;
  });

  it('loses no stream that races the flip: each is answered, or refused unexecuted', async () => {
    const { app, url, shutdown } = await running(platform);
    const sessions = await Promise.all(Array.from({ length: 8 }, () => connect(url)));
    let opened = 0;
    const ends: Promise<{ n: number; outcome: string; status?: number; body: string }>[] = [];
    const send = async (client: Http2Client) => {
      while (!client.session.closed && !client.session.destroyed) {
        const n = opened++;
        ends.push(client.request(`/fast/${n}`).then((end) => ({ n, ...end })));
        await turns(1);
      }
    };
    const sending = sessions.map(send);
    await holds(() => opened > 400);
    await app.close();
    await Promise.all(sending);
    const all = await Promise.all(ends);
    const wrong = all.filter((each) => each.outcome !== 'refused' && each.body !== `answer ${each.n}`);
    expect(wrong).toEqual([]);
    const answered = all.filter((each) => each.outcome === 'answered');
    expect(answered.map((each) => String(each.n)).sort()).toEqual([...served].sort());
    expect((await shutdown.closed).outcome).toBe('drained');
  });

  it('answers a late stream on a new session with 503 and no Connection header, and then leaves', async () => {
    const app = await running(platform);
    const held = await holdDraining(app);
    const late = await connect(app.url);
    const answer = await late.request('/fast/late');
    expect(answer).toMatchObject({ outcome: 'answered', status: 503 });
    expect(answer.headers).toMatchObject({ 'retry-after': '1', 'content-type': 'application/json; charset=utf-8' });
    expect(answer.headers).not.toHaveProperty('connection');
    expect(JSON.parse(answer.body)).toMatchObject({ statusCode: 503 });
    await late.closed;
    expect(late.goaways.length).toBeGreaterThan(0);
    expect(served).toEqual([]);
    expect((await held.end()).refused).toBe(1);
  });

  it('refuses a late upload without reading it', async () => {
    const app = await running(platform);
    const held = await holdDraining(app);
    const late = await connect(app.url);
    const stream = late.open('/echo', { 'content-type': 'application/json' }, undefined, true);
    const answer = ended(stream);
    stream.write('{"text":');
    expect(await answer).toMatchObject({ outcome: 'answered', status: 503 });
    await late.closed;
    expect((await held.end()).refused).toBe(1);
  });

  it('serves health routes on new sessions while draining', async () => {
    const app = await running(platform);
    const held = await holdDraining(app);
    const probe = await connect(app.url);
    expect(await probe.request('/health')).toMatchObject({ outcome: 'answered', status: 200, body: 'alive' });
    expect((await held.end()).refused).toBe(0);
  });

  it('ends a session that opens while draining and says nothing', async () => {
    const app = await running(platform);
    const held = await holdDraining(app);
    const late = await connect(app.url);
    await late.closed;
    expect(late.goaways.at(-1)).toBe(0);
    await held.end();
  });

  it('serves everything in the lame duck, on old sessions and on new ones, without a Connection header', async () => {
    const app = await running(platform);
    const held = await holdLameDuck(app);
    const fresh = await connect(app.url);
    for (const client of [app.client, fresh]) {
      const answer = await client.request('/fast/lame');
      expect(answer).toMatchObject({ outcome: 'answered', status: 200 });
      expect(answer.headers).not.toHaveProperty('connection');
    }
    expect((await held.end()).afterUnready.count).toBe(1);
  });

  it('tells sessions to leave one by one, spread over the lame duck, the new ones too', async () => {
    const spread = { minMs: 1_000, quietMs: 0, maxMs: 1_000 };
    const { app, url, shutdown } = await running(platform, { lameDuck: spread });
    const old = await Promise.all(Array.from({ length: 20 }, () => connect(url)));
    let begun = NaN;
    const isTold = async ({ session }: Http2Client) => {
      await once(session, 'goaway');
      return { ms: performance.now() - begun, phase: shutdown.phase };
    };
    const told = Promise.all(old.map(isTold));
    // Whatever holds a machine up, the lame duck lasts until all have had their turns.
    shutdown.onShutdown('lame-duck', async () => void (await told), { timeoutMs: 10_000 });
    begun = performance.now();
    const closed = app.close();
    await enters(shutdown, 'lame-duck');
    const fresh = await connect(url);
    // Its moment is one at random: over TLS it may come before the first request, which is then refused in so many words.
    const { outcome, status } = await fresh.request('/fast/1');
    expect([
      { outcome: 'answered', status: 200 },
      { outcome: 'refused', status: undefined },
    ]).toContainEqual({ outcome, status });
    const turnsTaken = await told;
    expect(new Set(turnsTaken.map(({ phase }) => phase))).toEqual(new Set(['lame-duck']));
    // Each in a share of its own, and `client` has one, too: none is early, however late a busy machine makes it.
    const shareMs = spread.maxMs / (old.length + 1);
    const moments = turnsTaken.map(({ ms }) => ms).sort((a, b) => a - b);
    moments.forEach((ms, place) => expect(ms).toBeGreaterThanOrEqual(place * shareMs - 1));
    await closed;
    expect(fresh.session.closed).toBe(true);
  });

  it('counts a stream that its client has cancelled until its handler has ended, and no longer', async () => {
    const { app, client, shutdown } = await running(platform, { drainTimeoutMs: 5_000 });
    const stream = client.open('/held');
    const cancelled = ended(stream);
    await gate.entered;
    stream.close(8);
    await cancelled;
    expect(shutdown.inFlight).toBe(1);
    gate.release();
    await turns(20);
    const download = client.open('/download');
    await once(download, 'data');
    const cut = ended(download);
    download.close(8);
    await cut;
    await app.close();
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', leftovers: [] });
  });

  it('cancels what is left at the drain deadline, and names it', async () => {
    const { app, client, shutdown } = await running(platform, { drainTimeoutMs: 150 });
    const stream = client.open('/held');
    const answer = ended(stream);
    // By a frame, before the connection is cut.
    const isSessionOpen = once(stream, 'close').then(() => !client.session.destroyed);
    await gate.entered;
    await app.close();
    expect(await answer).toMatchObject({ outcome: 'reset', code: 8 });
    expect(await isSessionOpen).toBe(true);
    await client.closed;
    expect(await shutdown.closed).toMatchObject({
      outcome: 'timed-out',
      leftovers: [{ kind: 'request', name: 'GET /held' }],
    });
  });

  it('does not wait for a client that keeps its end of the socket open', async () => {
    const { app, client, shutdown } = await running(platform, { drainTimeoutMs: 20_000 });
    await client.request('/fast/1');
    // It takes the last word, and closes nothing.
    client.session.close = () => undefined;
    client.session.destroy = () => undefined;
    await app.close();
    const report = await shutdown.closed;
    expect(report.outcome).toBe('drained');
    expect(report.totalMs).toBeLessThan(5_000);
  });
});

describe('A stream that crosses the telling on the wire', () => {
  async function through({ platform }: { platform: Platform }, path: string) {
    const app = await running(platform, { drainTimeoutMs: 20_000 });
    const wire = await HoldingProxy.listen(app.port);
    proxies.push(wire);
    const client = await connect(app.url.replace(String(app.port), String(wire.port)));
    expect(await client.request('/fast/before')).toMatchObject({ outcome: 'answered' });
    wire.hold('to the client');
    const closed = app.app.close();
    await enters(app.shutdown, 'draining');
    await wire.isHolding;
    // The server has told the client, who does not know yet.
    const crossing = client.request(path);
    await wire.carried('to the server');
    return { ...app, wire, client, crossing, closed };
  }

  it('is served over cleartext', async () => {
    const { wire, client, crossing, closed, shutdown } = await through(flavours[0]!, '/fast/crossing');
    wire.release();
    expect(await crossing).toMatchObject({ outcome: 'answered', status: 200, body: 'answer crossing' });
    await closed;
    expect(served).toEqual(['before', 'crossing']);
    expect(client.goaways[0]).toBe(last);
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', refused: 0 });
  });

  it('is refused unexecuted over TLS, so that it can be sent again', async () => {
    const { wire, client, crossing, closed } = await through(flavours[1]!, '/fast/crossing');
    wire.release();
    expect(await crossing).toMatchObject({ outcome: 'refused' });
    await closed;
    expect(served).toEqual(['before']);
    expect(client.goaways).toEqual([last, 1]);
  });

  it.each(flavours)('does not hold the drain when its client never answers, over $name', async (flavour) => {
    const { closed, shutdown } = await through(flavour, '/fast/crossing');
    await closed;
    const report = await shutdown.closed;
    expect(report.outcome).toBe('drained');
    expect(report.totalMs).toBeLessThan(8_000);
  });
});

describe('HTTP/1.1 beside HTTP/2', () => {
  const { platform } = flavours[2]!;

  it('is drained as ever: told to leave in the lame duck, refused with 503 while draining', async () => {
    const app = await running(platform);
    const lame = await holdLameDuck(app);
    const told = await request(`${app.url}/fast/1`);
    expect(told.status).toBe(200);
    expect(told.headers.connection).toBe('close');
    await lame.end();
  });

  it('answers late requests with 503 and Connection: close', async () => {
    const app = await running(platform);
    const held = await holdDraining(app);
    const late = await request(`${app.url}/fast/1`);
    expect(late.status).toBe(503);
    expect(late.headers.connection).toBe('close');
    expect((await held.end()).refused).toBe(1);
  });
});
