import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { frameworks } from '../support/applications.js';
import { RawClient } from '../support/raw-client.js';
import { build, Child, endAll } from './support/child.js';
import { printFigures, record } from './support/figures.js';

beforeAll(build);
afterEach(endAll);
afterAll(printFigures);

const deadlineMs = 500;
/** What the drain deadline does not end lives until the hard stop, 29 s after the signal. */
const longBeforeHardStopMs = 10_000;
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** How clients misbehave. Each resolves when it does, and keeps at it. */
const clients: { name: string; misbehave(child: Child): Promise<RawClient>; isCut: boolean; leftover?: object }[] = [
  {
    name: 'a handler that hangs',
    misbehave: async (child) => {
      const client = await RawClient.connect(child.port());
      client.write(get('/hanging'));
      await child.until('held');
      return client;
    },
    isCut: true,
    leftover: { kind: 'request', name: 'GET /hanging' },
  },
  {
    name: 'a silent socket',
    misbehave: (child) => connectedBehind(child, () => undefined),
    isCut: false,
  },
  {
    name: 'half a head',
    misbehave: (child) => connectedBehind(child, (client) => client.write('GET /orders HTTP/1.1\r\nHost: lo')),
    isCut: true,
    leftover: { kind: 'connection', detail: 'half a request head' },
  },
  {
    name: 'a slow-loris',
    misbehave: (child) =>
      connectedBehind(child, (client) => {
        client.write('GET /orders HTTP/1.1\r\n');
        drip(client, 'X-More: and more\r\n');
      }),
    isCut: true,
    leftover: { kind: 'connection', detail: 'half a request head' },
  },
  {
    name: 'a slow upload',
    misbehave: (child) =>
      connectedBehind(child, (client) => {
        const head = 'POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
        client.write(`${head}Content-Length: 100000\r\n\r\n{"a":"`);
        drip(client, 'a');
      }),
    isCut: true,
    leftover: { kind: 'request' },
  },
  {
    name: 'a stream without an end',
    misbehave: async (child) => {
      const client = await RawClient.connect(child.port());
      client.write(get('/stream'));
      await child.until('held');
      return client;
    },
    isCut: true,
    leftover: { kind: 'request', name: 'GET /stream' },
  },
  {
    name: 'an upgraded socket',
    misbehave: async (child) => {
      const client = await RawClient.connect(child.port());
      client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      await client.until((text) => text.includes('101'));
      return client;
    },
    isCut: true,
    leftover: { kind: 'upgrade', name: 'echo' },
  },
];

/** A client that has written, and whose bytes the server has read: it has answered another that wrote later. */
async function connectedBehind(child: Child, write: (client: RawClient) => void): Promise<RawClient> {
  const client = await RawClient.connect(child.port());
  write(client);
  const second = await RawClient.connect(child.port());
  second.write(get('/orders').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  await second.ended;
  return client;
}

function drip(client: RawClient, text: string): void {
  const timer = setInterval(() => client.write(text), 20);
  client.socket.on('error', () => undefined).once('close', () => clearInterval(timer));
}

describe.each(frameworks)('The drain deadline of an application on %s', (framework) => {
  it.each(clients)('is kept with $name', async ({ name, misbehave, isCut, leftover }) => {
    // What is not cut has all the time it needs, on a busy machine too.
    const drain = isCut ? deadlineMs : longBeforeHardStopMs;
    const child = await Child.start('orders', { framework, drain, upgrades: true });
    const client = await misbehave(child);
    child.signal('SIGTERM');
    const report = await child.report();
    const { end, ms } = await child.ended;
    client.destroy();

    record(`${name} on ${framework}, ${isCut ? 'drain deadline' : 'SIGTERM'} to exit`, isCut ? ms - deadlineMs : ms);
    expect(report.outcome).toBe(isCut ? 'timed-out' : 'drained');
    expect(report.leftovers).toEqual(leftover ? [expect.objectContaining(leftover)] : []);
    expect(end).toBe(isCut ? 1 : 'SIGTERM');
    expect(ms).toBeLessThan(longBeforeHardStopMs);
  });

  it('is kept with all of them at once', async () => {
    const child = await Child.start('orders', { framework, drain: deadlineMs, upgrades: true });
    const all = await Promise.all(clients.map(({ misbehave }) => misbehave(child)));
    await child.until('held', () => child.timesTold('held') === 3);
    child.signal('SIGTERM');
    const report = await child.report();
    const { end, ms } = await child.ended;
    for (const client of all) client.destroy();

    record(`all of them on ${framework}, drain deadline to exit`, ms - deadlineMs);
    expect(report.leftovers).toHaveLength(clients.filter(({ isCut }) => isCut).length);
    expect(end).toBe(1);
    expect(ms).toBeLessThan(longBeforeHardStopMs);
  });
});
