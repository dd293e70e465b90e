import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Retirement } from '../../../src/serve/preload/retirement.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

const clock = new FakeClock();
let server: Server;
let client: Socket;
let said: string[];

afterEach(() => {
  client?.destroy();
  server.close();
  clock.assertNoTimerLeft();
});

/** A client has a connection, on which a request is answered when `answer` is called. */
async function retire(): Promise<{ retirement: Retirement; answer: () => void }> {
  said = [];
  let answer!: () => void;
  server = createServer((_, response) => (answer = () => response.end('ok')));
  const retirement = new Retirement({
    worker: { isGroupStopping: false, drainsItself: false },
    stopAccepting: () => said.push('stops accepting'),
    signal: (name) => said.push(name),
    clock,
  });
  retirement.follow(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as { port: number }).port, '127.0.0.1');
  client.setEncoding('utf8');
  await once(server, 'connection');
  return { retirement, answer: () => answer() };
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
  });
});
