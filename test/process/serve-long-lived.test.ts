import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { certificate } from '../support/certificate.js';
import { Http2Client } from '../support/http2-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { build } from './support/child.js';
import { endServed, Served, until } from './support/served.js';

beforeAll(build);

const ends: (() => void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await endServed();
});

async function session(served: Served): Promise<Http2Client> {
  const client = await Http2Client.connect(`https://127.0.0.1:${served.port}`);
  ends.push(() => client.destroy());
  return client;
}

async function webSocket(served: Served): Promise<{ socket: WebSocket; closed: Promise<number> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${served.port}`);
  ends.push(() => socket.terminate());
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await once(socket, 'open');
  return { socket, closed };
}

/** Two workers of an application on HTTP/2, and a stream on each of six sessions that they hold until `release()`. */
async function holding(balance: string, drain?: false) {
  const gate = join(temporaryFolder(), 'gate');
  // Streams are held until every worker has been replaced, each of which has to start first.
  const settings = { framework: 'fastify', certificate: certificate(), gate, drain: drain ?? 30_000 };
  const ready = drain === false ? [] : ['--ready', '/health/ready'];
  const grace = drain === false ? '6s' : '45s';
  const options = [...ready, '--balance', balance, '--probation', '0s', '--grace', grace];
  const served = await Served.start({ workers: 2, settings, options });
  const before = await served.serving();
  const clients = await Promise.all(Array.from({ length: 6 }, () => session(served)));
  const streams = clients.map((client) => client.request('/held'));
  await served.says(/in hand/, clients.length);
  return { served, before, clients, streams, release: () => writeFileSync(gate, '') };
}

/** Asks without a pause, on a session until it is told to leave, and then on a new one. */
async function askOn(served: Served, isOver: () => boolean): Promise<string[]> {
  const outcomes: string[] = [];
  while (!isOver()) {
    const client = await session(served);
    while (!isOver() && client.goaways.length === 0) {
      const { outcome, status } = await client.request('/orders');
      outcomes.push(`${outcome} ${status}`);
    }
  }
  return outcomes;
}

describe.each(['round-robin', 'shared'])('When a worker retires (%s)', (balance) => {
  it('sessions of HTTP/2 are told to leave, and no stream is lost or refused', async () => {
    const { served, before, clients, streams, release } = await holding(balance);
    let isOver = false;
    const asking = Promise.all(Array.from({ length: 3 }, () => askOn(served, () => isOver)));
    expect(await served.order('reload')).toMatchObject({ code: 0 });
    await until(() => clients.every(({ goaways }) => goaways.length > 0));
    const { body } = await (await session(served)).request('/orders');
    expect(before).not.toContain((JSON.parse(body) as { pid: number }).pid);
    isOver = true;
    release();
    for (const { outcome, status, body } of await Promise.all(streams)) {
      expect({ outcome, status }).toEqual({ outcome: 'answered', status: 200 });
      expect(before).toContain((JSON.parse(body) as { pid: number }).pid);
    }
    await Promise.all(clients.map(({ closed }) => closed));
    expect(clients.map(({ goaways }) => goaways[0])).toEqual(clients.map(() => 2 ** 31 - 1));
    const outcomes = (await asking).flat();
    expect(new Set(outcomes)).toEqual(new Set(['answered 200']));
    expect(outcomes.length).toBeGreaterThan(20);
  });

  it('clients of WebSockets are told to leave, and reach another at once', async () => {
    const options = ['--balance', balance, '--probation', '0s'];
    const served = await Served.start({ workers: 2, settings: { webSockets: true }, options });
    const clients = await Promise.all(Array.from({ length: 10 }, () => webSocket(served)));
    const reload = served.order('reload');
    const codes = await Promise.all(
      clients.map(async ({ closed }) => {
        const code = await closed;
        const { socket } = await webSocket(served);
        socket.terminate();
        return code;
      }),
    );
    expect(codes).toEqual(Array(10).fill(1001));
    expect(await reload).toMatchObject({ code: 0 });
  });
});

describe('When a worker without the module retires', () => {
  it('sessions of HTTP/2 are not told, and their streams meet a closed database', async () => {
    const { served, clients, streams, release } = await holding('round-robin', false);
    expect(await served.order('reload')).toMatchObject({ code: 0 });
    await served.says(/the database is closed/, 2);
    release();
    for (const { outcome, status } of await Promise.all(streams)) {
      expect({ outcome, status }).not.toEqual({ outcome: 'answered', status: 200 });
    }
    expect(clients.flatMap(({ goaways }) => goaways)).not.toContain(2 ** 31 - 1);
  });

  it('clients of WebSockets are cut', async () => {
    const options = ['--probation', '0s', '--grace', '6s'];
    const served = await Served.start({ workers: 2, settings: { webSockets: true, drain: false }, options });
    const clients = await Promise.all(Array.from({ length: 4 }, () => webSocket(served)));
    expect(await served.order('reload')).toMatchObject({ code: 0 });
    expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual(Array(4).fill(1006));
  });
});
