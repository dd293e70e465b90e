import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, connect, holds, platforms, refuses, turns } from '../../support/applications.js';
import { answersIn, request } from '../../support/raw-client.js';
import { ask, startStreams } from './streams.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
/** What aborted work gets, and what a busy machine may add. */
const slackMs = 2_000;

describe.each(platforms)('Long work on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  it('gets its answer when a long poll ends before the drain deadline', async () => {
    const streams = await startStreams(platform);
    const answer = request(`${streams.url}/poll`);
    await streams.gate.entered;
    const closed = streams.app.close();
    await refuses(streams.shutdown);
    await turns(5);
    streams.gate.release();
    expect(await answer).toMatchObject({ status: 200, body: { is: 'whole' }, headers: { connection: 'close' } });
    await closed;
    expect(await streams.shutdown.closed).toMatchObject({ outcome: 'drained', leftovers: [] });
  });

  it.each(['/poll', '/download'])('runs to the drain deadline, and no longer: %s', async (path) => {
    const streams = await startStreams(platform, { drain: 300 });
    const { client } = await connect(streams);
    client.write(get(path));
    await (path === '/poll' ? streams.gate.entered : client.until((text) => text.length > 1_000_000));
    const closed = streams.app.close();
    await refuses(streams.shutdown);
    const { length } = client.text;
    await closed;
    // It has read on meanwhile.
    if (path === '/download') expect(client.text.length).toBeGreaterThan(length);
    const { phases, ...report } = await streams.shutdown.closed;
    expect(report).toMatchObject({ outcome: 'timed-out', leftovers: [{ kind: 'request', name: `GET ${path}` }] });
    const drainMs = phases.find(({ phase }) => phase === 'draining')!.ms;
    expect(drainMs).toBeGreaterThanOrEqual(295);
    expect(drainMs).toBeLessThan(300 + slackMs);
  });

  it.each([true, false])('does not last longer for a slow reader of events (reads: %s)', async (reads) => {
    // One that reads gets all of it in the end.
    const drainTimeoutMs = reads ? 15_000 : 1_000;
    const streams = await startStreams(platform, { drain: drainTimeoutMs });
    const { client, socket } = await connect(streams);
    client.write(ask('/hand'));
    await holds(() => streams.hands.length === 1);
    if (!reads) client.socket.pause();
    // More than the kernel holds for a client that does not read.
    const event = `data: ${'x'.repeat(65_528)}\n\n`;
    for (let sent = 0; sent < 16 * 1024 * 1024; sent += event.length) streams.hands[0]!.write(event);
    await streams.app.close();
    const { phases, outcome, leftovers } = await streams.shutdown.closed;
    const drainMs = phases.find(({ phase }) => phase === 'draining')!.ms;
    expect(socket.destroyed).toBe(true);
    if (reads) {
      expect(outcome).toBe('drained');
      await client.ended;
      expect(answersIn(client.text)).toHaveLength(1);
    } else {
      expect(drainMs).toBeGreaterThanOrEqual(drainTimeoutMs - 5);
      expect(leftovers).toMatchObject([{ kind: 'request', name: 'GET /hand' }]);
    }
    expect(drainMs).toBeLessThan(drainTimeoutMs + slackMs);
  });
});
