import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { io, type Socket as IoClient } from 'socket.io-client';
import { WebSocket } from 'ws';
import { certificate } from '../support/certificate.js';
import { EventSourceClient } from '../support/event-source.js';
import { ended, Http2Client } from '../support/http2-client.js';
import { build, Child, type ChildSetup, endAll } from './support/child.js';

beforeAll(build);

const clients: { close(): void }[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  EventSourceClient.closeAll();
  await endAll();
});

function closing<T>(client: T, close: () => void): T {
  clients.push({ close });
  return client;
}

/** A platform kills what has not ended by then. */
const graceMs = 3_000;

describe.each(['h2c', 'h2'] as const)('On SIGTERM, over %s', (protocol) => {
  const start = async (setup: ChildSetup = {}) => {
    const child = await Child.start('long-lived', { protocol, certificate: certificate(), ...setup });
    const scheme = protocol === 'h2' ? 'https' : 'http';
    const client = await Http2Client.connect(`${scheme}://127.0.0.1:${child.port()}`);
    closing(client, () => client.destroy());
    const answer = ended(client.open('/held'));
    await child.until('held');
    child.signal('SIGTERM');
    return { child, client, answer };
  };

  it('streams in flight end before the database does, and their sessions leave', async () => {
    const { child, client, answer } = await start();
    await child.entered('draining');
    child.say('release');
    expect(await answer).toMatchObject({ outcome: 'answered', status: 200, body: '{"isOpen":true}' });
    await client.closed;
    expect(client.goaways[0]).toBe(2 ** 31 - 1);
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
  });

  it('without the module they meet a closed database', async () => {
    const { child, answer } = await start({ drain: false });
    await child.until('destroyed');
    child.say('release');
    const { body } = await answer;
    expect(body).not.toBe('{"isOpen":true}');
  });
});

describe('On SIGTERM, with a gateway on ws', () => {
  const start = async (setup: ChildSetup = {}) => {
    const child = await Child.start('long-lived', { protocol: 'http', sockets: 'ws', ...setup });
    const client = new WebSocket(child.url('').replace('http', 'ws'));
    closing(client, () => client.terminate());
    const received: unknown[] = [];
    client.on('message', (data: Buffer) => received.push(JSON.parse(data.toString())));
    const closed = once(client, 'close') as Promise<[number, Buffer]>;
    await once(client, 'open');
    client.send(JSON.stringify({ event: 'held' }));
    await child.until('held');
    child.signal('SIGTERM');
    return { child, received, closed };
  };

  it('messages in progress are answered, then clients get 1001, and handleDisconnect ends before the database does', async () => {
    const { child, received, closed } = await start();
    await child.entered('draining');
    child.say('release');
    const [code, reason] = await closed;
    expect(received).toEqual([{ event: 'answer', data: { isOpen: true } }]);
    expect({ code, reason: reason.toString() }).toEqual({ code: 1001, reason: 'The server is shutting down' });
    expect(await child.until('disconnected')).toMatchObject({ isOpen: true });
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
  });

  it('without the module the answer is lost', async () => {
    const { child, received, closed } = await start({ drain: false });
    await closed;
    child.say('release');
    expect(received).toEqual([]);
  });
});

describe('On SIGTERM, with a gateway on socket.io', () => {
  const start = async (setup: ChildSetup = {}) => {
    const child = await Child.start('long-lived', { protocol: 'http', sockets: 'socket.io', ...setup });
    const client: IoClient = io(child.url(''), { transports: ['websocket'], reconnectionDelay: 60_000 });
    closing(client, () => client.disconnect());
    const received: unknown[] = [];
    client.on('answer', (data: unknown) => received.push(data));
    const disconnected = new Promise<string>((resolve) => client.once('disconnect', resolve));
    await new Promise<void>((resolve) => client.once('connect', resolve));
    client.emit('held');
    await child.until('held');
    child.signal('SIGTERM');
    return { child, client, received, disconnected };
  };

  it('messages in progress are answered, then clients are sent away in a way that brings them back', async () => {
    const { child, client, received, disconnected } = await start();
    await child.entered('draining');
    child.say('release');
    expect(await disconnected).toBe('transport close');
    expect(received).toEqual([{ isOpen: true }]);
    // It will come back by itself.
    expect(client.active).toBe(true);
    expect(await child.until('disconnected')).toMatchObject({ isOpen: true });
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
  });

  it('without the module the answer is lost', async () => {
    const { child, received, disconnected } = await start({ drain: false });
    await disconnected;
    child.say('release');
    expect(received).toEqual([]);
  });
});

describe('On SIGTERM, with an event stream', () => {
  const start = async (setup: ChildSetup = {}) => {
    const child = await Child.start('long-lived', { protocol: 'http', ...setup });
    const client = new EventSourceClient(child.url('/events'), { reconnectMs: 60_000 });
    await client.until(({ events }) => events.length > 3);
    child.signal('SIGTERM');
    return { child, client };
  };

  it('it ends whole, and the process with it', async () => {
    const { child, client } = await start();
    await client.until(({ ends }) => ends.length > 0);
    expect(client.ends).toEqual(['clean']);
    expect(client.events.map(({ id }) => id)).toEqual(client.events.map((_event, index) => String(index)));
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
  });

  it('without the module the process hangs on it until it is killed', async () => {
    const { child, client } = await start({ drain: false });
    const killer = setTimeout(() => void child.kill(), graceMs);
    expect(await child.ended).toMatchObject({ end: 'SIGKILL' });
    clearTimeout(killer);
    await client.until(({ ends }) => ends.length > 0);
    expect(client.ends).toEqual(['cut']);
  });
});

describe.each(['ws', 'socket.io'] as const)('What the hooks of a gateway of %s reject with', (sockets) => {
  it.each([
    ['with the module', {}],
    ['without it', { drain: false as const }],
  ])('stays unhandled, %s', async (_name, setup) => {
    const child = await Child.start('long-lived', { protocol: 'http', sockets, rejects: true, ...setup });
    const url = `127.0.0.1:${child.port()}`;
    const client = sockets === 'ws' ? new WebSocket(`ws://${url}`) : io(`http://${url}`, { transports: ['websocket'] });
    closing(client, () => client.close());
    await child.until('unhandled', ({ message }) => message === 'handleConnection');
    client.close();
    await child.until('unhandled', ({ message }) => message === 'handleDisconnect');
    expect(child.timesTold('unhandled')).toBe(2);
  });
});
