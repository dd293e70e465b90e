import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, connect, holdDraining, platforms } from '../../support/applications.js';
import { EventSourceClient } from '../../support/event-source.js';
import { request } from '../../support/raw-client.js';
import { ask, startStreams } from './streams.js';

const accept = 'text/event-stream';

describe.each(platforms)('A late request for a stream of events on $framework over $protocol', (platform) => {
  afterEach(() => EventSourceClient.closeAll());
  afterEach(closeAll);

  it('is answered with an empty stream that ends, and counts as refused', async () => {
    const streams = await startStreams(platform, { drain: { eventStreams: { retryMs: 400 } } });
    const closing = await holdDraining(streams);
    const answer = await request(`${streams.url}/events`, { headers: { accept } });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' },
    });
    expect(answer.headers).not.toHaveProperty('retry-after');
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    const told = Number(/^retry: (\d+)\n\n$/.exec(answer.text)?.[1]);
    expect(told).toBeGreaterThanOrEqual(200);
    expect(told).toBeLessThanOrEqual(600);
    expect(streams.subscribers()).toBe(0);
    expect(await closing.end()).toMatchObject({ refused: 1 });
  });

  it('is told to come back after retryAfterSeconds where no retryMs is given', async () => {
    const streams = await startStreams(platform, { drain: { lateRequests: { retryAfterSeconds: 4 } } });
    const closing = await holdDraining(streams);
    const { text } = await request(`${streams.url}/events`, { headers: { accept } });
    const told = Number(/^retry: (\d+)\n\n$/.exec(text)?.[1]);
    expect(told).toBeGreaterThanOrEqual(2_000);
    expect(told).toBeLessThanOrEqual(6_000);
    await closing.end();
  });

  it('may come from another origin', async () => {
    const streams = await startStreams(platform);
    const closing = await holdDraining(streams);
    const origin = 'https://shop.example';
    const { headers } = await request(`${streams.url}/events`, { headers: { accept, origin } });
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
    });
    await closing.end();
  });

  it('gets the head alone when it asks for it', async () => {
    const streams = await startStreams(platform);
    const closing = await holdDraining(streams);
    const { client } = await connect(streams);
    client.write(ask('/events').replace('GET', 'HEAD'));
    expect(await client.ended).toBe('fin');
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
    await closing.end();
  });

  it.each([
    ['takes anything', 'GET', '*/*'],
    ['takes JSON', 'GET', 'application/json'],
    ['names a type that begins like it', 'GET', 'text/event-stream-like'],
    ['does not come back by itself: a POST', 'POST', accept],
  ])('is refused like any other when its client %s', async (_what, method, accept) => {
    const streams = await startStreams(platform);
    const closing = await holdDraining(streams);
    expect(await request(`${streams.url}/events`, { method, headers: { accept } })).toMatchObject({ status: 503 });
    await closing.end();
  });

  it.each([
    'text/event-stream',
    'application/json, text/event-stream',
    'TEXT/Event-Stream;q=0.9',
    'a/b,text/event-stream , */*',
  ])('is known by Accept: %s', async (accept) => {
    const streams = await startStreams(platform);
    const closing = await holdDraining(streams);
    expect(await request(`${streams.url}/events`, { headers: { accept } })).toMatchObject({ status: 200 });
    await closing.end();
  });

  it('does not make an EventSource give up', async () => {
    const streams = await startStreams(platform, { drain: { eventStreams: { retryMs: 10 } } });
    const closing = await holdDraining(streams);
    const client = new EventSourceClient(`${streams.url}/events`, { reconnectMs: 10 });
    await client.until(({ ends }) => ends.length >= 3);
    expect(client).toMatchObject({ failure: undefined, events: [] });
    expect(client.ends).not.toContain('cut');
    const control = new EventSourceClient(`${streams.url}/events`, { reconnectMs: 10, headers: { Accept: '*/*' } });
    await control.until(({ failure }) => failure !== undefined);
    expect(control.failure).toMatch(/^503/);
    client.close();
    await closing.end();
  });
});
