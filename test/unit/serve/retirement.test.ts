import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type SupervisedWorker } from '../../../src/platform/supervised-worker.js';
import { Retirement } from '../../../src/serve/preload/retirement.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

const clock = new FakeClock();
let server: Server;
let client: Socket;
let said: string[];
let worker: SupervisedWorker;

afterEach(() => {
  client?.destroy();
  server.close();
  clock.assertNoTimerLeft();
});

/** A client has a connection, on which a request is answered when `answer` is called. */
async function retire(): Promise<{ retirement: Retirement; socket: Socket; answer: () => void }> {
  said = [];
  let answer!: () => void;
  server = createServer((_, response) => (answer = () => response.end('ok')));
  worker = { isGroupStopping: false, drainsItself: false };
  const retirement = new Retirement({
    worker,
    stopAccepting: () => said.push('stops accepting'),
    signal: (name) => said.push(name),
    clock,
  });
  retirement.follow(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as { port: number }).port, '127.0.0.1');
  client.setEncoding('utf8');
  const [socket] = (await once(server, 'connection')) as [Socket];
  return { retirement, socket, answer: () => answer() };
}

describe('An application without the module', () => {
  it('is told to end when its last connection has ended, whose answer says close', async () => {
    const { retirement, answer } = await retire();
    retirement.begin('rolled', 'SIGTERM', 30_000);
    expect(said).toEqual(['stops accepting']);
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(server, 'request');
    answer();
    const [head] = (await once(client, 'data')) as [string];
    expect(head).toMatch(/^Connection: close\r$/m);
    while (said.length < 2) await settle();
    expect(said).toEqual(['stops accepting', 'SIGTERM']);
  });

  it('is told five seconds before it is killed, whoever is connected', async () => {
    const { retirement } = await retire();
    retirement.begin('rolled', 'SIGINT', 30_000);
    await clock.advance(24_999);
    expect(said).toEqual(['stops accepting']);
    await clock.advance(1);
    expect(said).toEqual(['stops accepting', 'SIGINT']);
    // It is told once.
    const closed = once(client, 'close');
    client.destroy();
    await closed;
    await settle();
    await settle();
    expect(said).toEqual(['stops accepting', 'SIGINT']);
  });

  it('is told at once when nobody is connected', async () => {
    const { retirement, socket } = await retire();
    const closed = once(socket, 'close');
    client.destroy();
    await closed;
    retirement.begin('rolled', 'SIGTERM', 30_000);
    expect(said).toEqual(['stops accepting', 'SIGTERM']);
  });

  it('waits for idle connections alone where some have been upgraded: those never end', async () => {
    const { retirement } = await retire();
    server.on('upgrade', () => undefined);
    server.keepAliveTimeout = 5_000;
    retirement.begin('rolled', 'SIGTERM', 30_000);
    await clock.advance(6_499);
    expect(said).toEqual(['stops accepting']);
    await clock.advance(1);
    expect(said).toEqual(['stops accepting', 'SIGTERM']);
  });
});

describe('An application with the module', () => {
  const listener = () => undefined;
  afterEach(() => {
    process.off('SIGUSR2', listener);
  });

  it.each(['rolled', 'stopped'] as const)(
    'takes leave of its clients by itself, and knows how it ends (%s)',
    async (manner) => {
      const { retirement } = await retire();
      worker.drainsItself = true;
      process.on('SIGUSR2', listener);
      retirement.begin(manner, 'SIGUSR2', 30_000);
      expect(said).toEqual(['SIGUSR2']);
      expect(worker.isGroupStopping).toBe(manner === 'stopped');
    },
  );

  it('is kept from its clients where it does not listen for the signal', async () => {
    const { retirement } = await retire();
    worker.drainsItself = true;
    retirement.begin('rolled', 'SIGUSR2', 6_000);
    expect(said).toEqual(['stops accepting']);
    await clock.advance(1_000);
    expect(said).toEqual(['stops accepting', 'SIGUSR2']);
  });
});
