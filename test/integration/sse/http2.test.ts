import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, holdDraining, holds } from '../../support/applications.js';
import { ended, Http2Client } from '../../support/http2-client.js';
import { startStreams } from './streams.js';

const accept = 'text/event-stream';
const drain = { eventStreams: { retryMs: 1_000 } };

describe.each(['http', 'https'] as const)('Streams of events over HTTP/2, %s', (protocol) => {
  const platform = { framework: 'fastify', protocol, http2: 'alone' } as const;
  const clients: Http2Client[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await closeAll();
  });

  async function connect(url: string): Promise<Http2Client> {
    const client = await Http2Client.connect(url);
    clients.push(client);
    return client;
  }

  it.each([
    ['end whole', accept, 10_000, 'answered', 'drained'],
    ['run to the drain deadline when their clients do not say that they read events', '*/*', 500, 'reset', 'timed-out'],
  ])('%s', async (_what, accept, drainTimeoutMs, outcome, drained) => {
    const streams = await startStreams(platform, { drain: { ...drain, drainTimeoutMs } });
    const client = await connect(streams.url);
    const stream = client.open('/events', { accept });
    const end = ended(stream);
    await holds(() => streams.subscribers() === 1);
    await streams.app.close();
    expect(await end).toMatchObject({ outcome, status: 200 });
    expect(streams.subscribers()).toBe(0);
    expect(await streams.shutdown.closed).toMatchObject({ outcome: drained });
  });

  it('end with a hint', async () => {
    const streams = await startStreams(platform, { drain });
    const end = (await connect(streams.url)).request('/events', { accept });
    await holds(() => streams.subscribers() === 1);
    await streams.app.close();
    expect((await end).body).toMatch(/data: first\n\nretry: \d+\n\n$/);
  });

  it('that are asked for too late are empty, and end', async () => {
    const streams = await startStreams(platform, { drain });
    const closing = await holdDraining(streams);
    const answer = await (await connect(streams.url)).request('/events', { accept, origin: 'https://shop.example' });
    expect(answer).toMatchObject({
      outcome: 'answered',
      status: 200,
      headers: { 'content-type': accept, 'access-control-allow-origin': 'https://shop.example' },
    });
    expect(answer.body).toMatch(/^retry: \d+\n\n$/);
    expect(await closing.end()).toMatchObject({ refused: 1 });
  });
});
