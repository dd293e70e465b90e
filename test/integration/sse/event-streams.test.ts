import { afterEach, describe, expect, it } from '@jest/globals';
import {
  closeAll,
  connect,
  holdDraining,
  holdLameDuck,
  holds,
  platforms,
  refuses,
  turns,
} from '../../support/applications.js';
import { answersIn } from '../../support/raw-client.js';
import { ask, startStreams } from './streams.js';

const withoutAccept = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\nAccept: */*\r\n\r\n`;
const terminalChunk = '\r\n0\r\n\r\n';
const hint = /retry: (\d+)\n\n$/;

describe.each(platforms)('Streams of events on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  it.each(['routes', 'interceptor'] as const)('end whole when draining begins, with httpTracking %s', async (mode) => {
    const streams = await startStreams(platform, { drain: { httpTracking: mode } });
    const { client } = await connect(streams);
    client.write(ask('/events'));
    await client.until((text) => text.includes('data: first\n\n'));
    streams.emit({ id: '2', data: 'second' });
    await client.until((text) => text.includes('data: second\n\n'));

    await streams.app.close();
    expect(await client.ended).toBe('fin');
    expect(client.text.endsWith(terminalChunk)).toBe(true);
    const [answer] = answersIn(client.text);
    expect(answer).toMatchObject({ status: 200, headers: { 'transfer-encoding': 'chunked' } });
    expect(answer!.body).toMatch(/data: second\n\n$/);
    expect(streams.subscribers()).toBe(0);
    expect(await streams.shutdown.closed).toMatchObject({ outcome: 'drained', leftovers: [], refused: 0 });
  });

  it('run to the drain deadline, and are cut, when their clients do not say that they read events', async () => {
    const streams = await startStreams(platform, { drain: 200 });
    const { client } = await connect(streams);
    client.write(withoutAccept('/events'));
    await client.until((text) => text.includes('data: first\n\n'));
    await streams.app.close();
    await client.ended;
    expect(client.text.endsWith(terminalChunk)).toBe(false);
    expect(await streams.shutdown.closed).toMatchObject({
      outcome: 'timed-out',
      leftovers: [{ kind: 'request', name: 'GET /events' }],
    });
  });

  it('are named as cut without the module, by whoever forces them', async () => {
    const streams = await startStreams(platform, { drain: false, nest: { forceCloseConnections: true } });
    const { client } = await connect(streams);
    client.write(ask('/events'));
    await client.until((text) => text.includes('data: first\n\n'));
    await streams.app.close();
    await client.ended;
    expect(client.text.endsWith(terminalChunk)).toBe(false);
  });

  it('end with a hint when to come back, jittered', async () => {
    const streams = await startStreams(platform, { drain: { eventStreams: { retryMs: 1_000 } } });
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { client } = await connect(streams);
        client.write(ask('/events'));
        await client.until((text) => text.includes('data: first\n\n'));
        return client;
      }),
    );
    await streams.app.close();
    const told = clients.map(({ text }) => Number(hint.exec(answersIn(text)[0]!.body)?.[1]));
    for (const ms of told) {
      expect(ms).toBeGreaterThanOrEqual(500);
      expect(ms).toBeLessThanOrEqual(1_500);
    }
    expect(new Set(told).size).toBeGreaterThan(1);
  });

  it.each([
    ['nothing', '', true],
    ['whole events', 'data: a\n\ndata: b\n\n', true],
    ['an event that ends with carriage returns', 'data: a\r\n\r\n', true],
    ['half a line', 'data: ha', false],
    ['half an event', 'data: half\n', false],
    ['an event, and half of the next', 'data: a\n\ndata: b\n', false],
  ])('get the hint between events alone: behind %s', async (_what, text, isHinted) => {
    const streams = await startStreams(platform, { drain: { eventStreams: { retryMs: 1_000 } } });
    const { client } = await connect(streams);
    client.write(ask('/hand'));
    await holds(() => streams.hands.length === 1);
    // In two writes, so that the boundary is found across them.
    for (const part of [text.slice(0, -1), text.slice(-1)]) if (part !== '') streams.hands[0]!.write(part);
    await streams.app.close();
    expect(await client.ended).toBe('fin');
    const { body } = answersIn(client.text)[0]!;
    expect(body.startsWith(text)).toBe(true);
    expect(hint.test(body.slice(text.length))).toBe(isHinted);
    expect(body.slice(text.length) === '').toBe(!isHinted);
  });

  it('may be ended by their handlers, with a last event', async () => {
    const streams = await startStreams(platform, { drain: { eventStreams: { retryMs: 1_000 } } });
    const { client } = await connect(streams);
    client.write(ask('/own'));
    await client.until((text) => text.includes('data: first\n\n'));
    await streams.app.close();
    expect(await client.ended).toBe('fin');
    expect(answersIn(client.text)[0]!.body).toMatch(/event: bye\nid: \d+\ndata: now\n\n$/);
    expect(streams.subscribers()).toBe(0);
  });

  it('may be written on by whoever has not noticed', async () => {
    const streams = await startStreams(platform);
    const { client } = await connect(streams);
    client.write(ask('/hand'));
    await holds(() => streams.hands.length === 1);
    const hand = streams.hands[0]!;
    const errors: unknown[] = [];
    hand.on('error', (error) => errors.push(error));
    let written = 0;
    let called = 0;
    const write = () => {
      expect(hand.write(`data: ${written++}\n\n`, () => called++)).toBe(true);
    };
    const ticking = setInterval(write, 1);
    await client.until((text) => text.includes('data: 1\n\n'));
    const closing = await holdDraining(streams);
    await client.until((text) => text.endsWith(terminalChunk));
    const writtenBefore = written;
    await holds(() => written > writtenBefore + 3 && called === written);
    clearInterval(ticking);
    expect(hand.end('data: last\n\n', () => called++)).toBe(hand);
    await holds(() => called === written + 1);
    expect(errors).toEqual([]);
    await closing.end();
  });

  it('that open while draining, for a request that came in time, end after what they open with', async () => {
    const streams = await startStreams(platform);
    const { client } = await connect(streams);
    client.write(ask('/opening'));
    await streams.gate.entered;
    const closed = streams.app.close();
    await refuses(streams.shutdown);
    streams.gate.release();
    await closed;
    expect(await client.ended).toBe('fin');
    expect(answersIn(client.text)).toMatchObject([{ status: 200, body: 'data: first\n\n' }]);
    expect(await streams.shutdown.closed).toMatchObject({ outcome: 'drained' });
  });

  it('stay open, and serve, in the lame duck', async () => {
    const drain = { lameDuck: { minMs: 0, quietMs: 0, maxMs: 0 } };
    const streams = await startStreams(platform, { drain });
    const [{ client }, { client: later }] = [await connect(streams), await connect(streams)];
    client.write(ask('/events'));
    await client.until((text) => text.includes('data: first\n\n'));
    const closing = await holdLameDuck(streams);
    later.write(ask('/events'));
    await later.until((text) => text.includes('data: first\n\n'));
    streams.emit({ data: 'in the lame duck' });
    for (const each of [client, later]) await each.until((text) => text.includes('data: in the lame duck\n\n'));
    await closing.end();
    for (const each of [client, later]) {
      expect(await each.ended).toBe('fin');
      expect(each.text.endsWith(terminalChunk)).toBe(true);
    }
  });

  it('are not what else is answered to a client that reads events', async () => {
    const streams = await startStreams(platform);
    const { client } = await connect(streams);
    client.write(ask('/negotiated').replace('text/event-stream', 'application/json, text/event-stream'));
    await client.until((text) => text.includes('{"is":'));
    const closed = streams.app.close();
    await refuses(streams.shutdown);
    await turns(5);
    streams.gate.release();
    await closed;
    expect(answersIn(client.text)).toMatchObject([{ status: 200, body: '{"is":"whole"}' }]);
  });

  it('are finished when they answer a POST: nobody sends that again', async () => {
    const streams = await startStreams(platform);
    const { client } = await connect(streams);
    client.write(ask('/generated', 'Content-Length: 0').replace('GET', 'POST'));
    await client.until((text) => text.includes('data: begun'));
    const closed = streams.app.close();
    await refuses(streams.shutdown);
    await turns(5);
    streams.gate.release();
    await closed;
    expect(answersIn(client.text)).toMatchObject([{ status: 200, body: 'data: begun\n\ndata: done\n\n' }]);
  });
});
