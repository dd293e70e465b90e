import { afterEach, describe, expect, it } from '@jest/globals';
import { ClientTCP, JsonSocket, type TcpClientOptions, type TcpOptions } from '@nestjs/microservices';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { certificate } from '../../support/certificate.js';
import { enters } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { socketOf, startTcp, type TcpApplication } from './tcp-applications.js';

const draining = { status: 'error', code: 'DRAINING', message: 'The server is shutting down' };
const ends: (() => unknown)[] = [];
afterEach(async () => {
  Gate.releaseAll();
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(...args: Parameters<typeof startTcp>): Promise<TcpApplication> {
  const application = await startTcp(...args);
  ends.push(() => application.app.close());
  return application;
}

async function clientOf({ port }: TcpApplication, options: TcpOptions['options'] = {}): Promise<ClientTCP> {
  const client = new ClientTCP({ host: '127.0.0.1', port, ...options } as TcpClientOptions['options'] & object);
  ends.push(() => client.close());
  await client.connect();
  return client;
}

const call = (client: ClientTCP, pattern: string, data: object) =>
  firstValueFrom(client.send<unknown>(pattern, data)).catch((error: unknown) => error);

/** A packet as it is on the wire. */
function packet(message: object): string {
  const json = JSON.stringify(message);
  return `${json.length}#${json}`;
}

const tls = () => {
  const { key, cert } = certificate();
  return { server: { tlsOptions: { key, cert } }, client: { tlsOptions: { ca: cert, rejectUnauthorized: false } } };
};
/** As users write it: its messages are not in JSON alone. */
class BracketedSocket extends JsonSocket {
  protected override handleSend(message: unknown, callback?: (error?: Error) => void): void {
    super.handleSend({ bracketed: message }, callback as never);
  }
  override emitMessage(data: string): void {
    const { bracketed } = JSON.parse(data) as { bracketed: object };
    this.socket.emit('message', bracketed);
  }
}
const kinds: [string, () => { server: TcpOptions['options']; client: TcpOptions['options'] }][] = [
  ['TCP', () => ({ server: {}, client: {} })],
  ['TLS', tls],
  [
    'a socket class of its own',
    () => ({ server: { socketClass: BracketedSocket }, client: { socketClass: BracketedSocket } }),
  ],
];

describe.each(kinds)('A microservice over %s', (_kind, kind) => {
  it('ends what it has begun, refuses what is late, and closes when its client has', async () => {
    const { server, client: clientOptions } = kind();
    const application = await start(server);
    const { done, app, shutdown } = application;
    const opened = once(application.server, server && 'tlsOptions' in server ? 'secureConnection' : 'connection');
    const client = await clientOf(application, clientOptions);
    const [socket] = (await opened) as [Socket];
    const gates = [1, 2, 3].map((id) => done.hold(id));
    const held = call(client, 'order', { id: 1 });
    const stream = lastValueFrom(client.send<number>('stream', { id: 2, ms: 5 }).pipe(toArray()));
    client.emit('ordered', { id: 3 });
    await Promise.all([1, 2, 3].map((id) => done.begins(id)));
    const began = enters(shutdown, 'draining');
    const closed = app.close();
    await began;
    expect(await call(client, 'order', { id: 4 })).toEqual(draining);
    expect(await call(client, 'ping', {})).toBe('pong');
    client.emit('ordered', { id: 5, ms: 100 });
    for (const gate of gates) gate.release();
    expect(await held).toBe(1);
    expect(await stream).toEqual([0, 1, 2, 3, 4]);
    await closed;
    // Its client has closed it, and nobody has cut it after a second; the bench judges the milliseconds.
    expect(socket.readableEnded).toBe(true);
    expect(done.begun.toSorted()).toEqual([1, 2, 3, 5]);
    expect(done.ended.toSorted()).toEqual([1, 2, 3, 5]);
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', clean: true, refused: 1 });
  });

  it('closes an idle connection at once, so that its client connects elsewhere', async () => {
    const { server, client: clientOptions } = kind();
    const application = await start(server);
    const { app, shutdown } = application;
    const client = await clientOf(application, clientOptions);
    expect(await call(client, 'order', { id: 1 })).toBe(1);
    const lease = shutdown.lease('held by the test');
    const closing = once(socketOf(client), 'close');
    const closed = app.close();
    await closing;
    lease.release();
    await closed;
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });
});

describe('A microservice over TCP that drains', () => {
  it('reads what its client wrote before it had seen the FIN: events are executed, calls are not', async () => {
    const application = await start();
    const { app, done, port, shutdown } = application;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    ends.push(() => socket.destroy());
    let read = '';
    socket.setEncoding('utf8').on('data', (text: string) => (read += text));
    await once(socket, 'connect');
    socket.write(packet({ pattern: 'order', data: { id: 1 }, id: 'a' }));
    await once(socket, 'data');
    const closed = app.close();
    await once(socket, 'end');
    socket.write(packet({ pattern: 'ordered', data: { id: 2, ms: 50 } }));
    socket.write(packet({ pattern: 'order', data: { id: 3 }, id: 'b' }));
    await sleep(20);
    socket.end(packet({ pattern: 'ordered', data: { id: 4, ms: 50 } }));
    await closed;
    expect(done.ended).toEqual([1, 2, 4]);
    expect(read).toBe(
      packet({ response: 1, isDisposed: true, id: 'a' }) + packet({ id: 'nestjs-drain:closing', isDisposed: true }),
    );
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });

  it('closes a connection whose client never does, after a second', async () => {
    const application = await start();
    const socket = connect({ port: application.port, host: '127.0.0.1', allowHalfOpen: true }).resume();
    ends.push(() => socket.destroy());
    await once(socket, 'connect');
    const startedAt = performance.now();
    await application.app.close();
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(await application.shutdown.closed).toMatchObject({ clean: true });
  });

  it('sends all answers before it closes, also to a client that reads them late', async () => {
    const application = await start();
    const { app, port, shutdown } = application;
    const socket = connect({ port, host: '127.0.0.1' });
    ends.push(() => socket.destroy());
    await once(socket, 'connect');
    const text = 'x'.repeat(1_000_000);
    application.done.work = () => Promise.resolve(text as never);
    for (let each = 0; each < 20; each++) socket.write(packet({ pattern: 'order', data: {}, id: `${each}` }));
    await sleep(100);
    const closed = app.close();
    await sleep(200);
    let read = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (read += chunk));
    await once(socket, 'end');
    // Nest had not read the last ones: those were refused.
    const answered = Array.from(
      read.matchAll(/(x"|"DRAINING".{0,60}),"isDisposed":true,"id":"(\d+)"/g),
      ([, , id]) => id,
    );
    expect(answered).toEqual(Array.from({ length: 20 }, (_, each) => `${each}`));
    await closed;
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });

  it.each([
    ['a handler', 'order'],
    ['an endless stream', 'endless'],
  ])('waits a moment, and no longer, for %s whose client has gone', async (_, pattern) => {
    const application = await start({}, { drainTimeoutMs: 10_000 });
    const client = await clientOf(application);
    const socket = socketOf(client);
    const lost = call(client, pattern, { id: 1, ms: 5_000 });
    await application.done.begins(1);
    const left = once(socket, 'close');
    client.close();
    await left;
    await lost;
    const startedAt = performance.now();
    await application.app.close();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(await application.shutdown.closed).toMatchObject({
      outcome: 'drained',
      clean: true,
      leftovers: [{ kind: 'rpc', name: pattern, detail: 'abandoned: its client had gone' }],
    });
  });

  it('cuts and names what runs past the deadline', async () => {
    const application = await start({}, { drainTimeoutMs: 200 });
    const client = await clientOf(application);
    application.done.hold(1);
    const lost = call(client, 'order', { id: 1 });
    await application.done.begins(1);
    await application.app.close();
    expect(await lost).toMatchObject({ message: 'Connection closed' });
    const { outcome, leftovers } = await application.shutdown.closed;
    expect(outcome).toBe('timed-out');
    expect(leftovers).toEqual([
      expect.objectContaining({ kind: 'rpc', name: 'order' }),
      expect.objectContaining({ kind: 'connection', name: 'TCP', detail: '1 call running' }),
    ]);
  });

  it('does not listen anew where Nest would', async () => {
    const application = await start({ retryAttempts: 5, retryDelay: 0 });
    const lease = application.shutdown.lease('held by the test');
    const closed = application.app.close();
    await sleep(100);
    expect(application.server.listening).toBe(false);
    lease.release();
    await closed;
    await sleep(20);
    expect(application.server.listening).toBe(false);
  });
});

describe('Without the module', () => {
  it('Nest cuts the call that a microservice over TCP executes', async () => {
    const application = await startTcp({}, false);
    const client = await clientOf(application);
    application.done.hold(1);
    const answer = call(client, 'order', { id: 1 });
    await application.done.begins(1);
    await application.app.close();
    expect(await answer).toMatchObject({ message: 'Connection closed' });
  });
});
