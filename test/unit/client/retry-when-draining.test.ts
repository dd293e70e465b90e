import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { of, throwError } from 'rxjs';
import { retryWhenDraining, type RetryWhenDrainingOptions } from '../../../src/client/index.js';
import { type Answer, FakeClient, type FakeSocket } from './fake-client.js';

const draining = { status: 'error', code: 'DRAINING', message: 'The server is shutting down' };
const options: RetryWhenDrainingOptions = { firstPauseMs: 0 };
/** Each of them is as long as a pause without a length: what pauses several times in a row has done so. */
const turns = async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('retryWhenDraining()', () => {
  let client: FakeClient;
  /** What became of each call. */
  let ended: Record<string, unknown>;
  beforeEach(() => {
    client = new FakeClient();
    ended = {};
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  function call(data: string, more: RetryWhenDrainingOptions = options): () => void {
    const values: unknown[] = [];
    const subscription = client
      .send(data)
      .pipe(retryWhenDraining(client, more))
      .subscribe({
        next: (value) => values.push(value),
        error: (error: unknown) => (ended[data] = error),
        complete: () => (ended[data] = values),
      });
    return () => subscription.unsubscribe();
  }
  const sentBy = (socket?: FakeSocket) => socket?.sent.map(({ data }) => data);
  function answer(socket: FakeSocket, data: string, packet: Answer): void {
    socket.netSocket.emit('message', { id: socket.sent.find((each) => each.data === data)!.id, ...packet });
  }
  const refuse = (socket: FakeSocket, data: string) => answer(socket, data, { err: draining, isDisposed: true });
  const reply = (socket: FakeSocket, data: string) => answer(socket, data, { response: data, isDisposed: true });
  const socket = (place: number) => client.sockets[place]!;

  it('sends what was refused again, on a connection of its own', async () => {
    call('a');
    await turns();
    refuse(socket(0), 'a');
    await turns();
    expect(sentBy(socket(1))).toEqual(['a']);
    expect(socket(0).hasEnded).toBe(true);
    reply(socket(1), 'a');
    expect(ended).toEqual({ a: ['a'] });
  });

  it('lets calls in progress be answered where they were sent, and closes that connection then', async () => {
    call('held');
    call('late');
    await turns();
    refuse(socket(0), 'late');
    await turns();
    expect(socket(0).hasEnded).toBe(false);
    reply(socket(0), 'held');
    expect(ended).toEqual({ held: ['held'] });
    expect(socket(0).hasEnded).toBe(true);
  });

  it('of the calls on a connection that closes, fails no other: nor is the client told that it is disconnected', async () => {
    call('held');
    call('late');
    await turns();
    refuse(socket(0), 'late');
    await turns();
    socket(0).close();
    await turns();
    expect(ended).toEqual({ held: expect.objectContaining({ message: 'Connection closed' }) });
    expect(client.socket).toBe(socket(1));
    expect(client.statuses).toEqual(['disconnected', 'connected']);
    reply(socket(1), 'late');
    expect(ended.late).toEqual(['late']);
    expect(client.routingMap.size).toBe(0);
  });

  it('sends again what was sent behind a refused call, and lost with its connection', async () => {
    call('before');
    call('refused');
    call('behind');
    await turns();
    refuse(socket(0), 'refused');
    socket(0).close();
    await turns();
    expect(sentBy(socket(1))?.toSorted()).toEqual(['behind', 'refused']);
    expect(ended).toEqual({ before: expect.objectContaining({ message: 'Connection closed' }) });
  });

  it('sends again what was lost after its server had said that it closes', async () => {
    call('crossing');
    await turns();
    socket(0).netSocket.emit('message', { id: 'nestjs-drain:closing', isDisposed: true });
    call('next');
    await turns();
    expect(sentBy(socket(1))).toEqual(['next']);
    socket(0).close();
    await turns();
    expect(sentBy(socket(1))).toEqual(['next', 'crossing']);
  });

  it('connects anew when its server says that it is to leave, and sends nothing again', async () => {
    call('held');
    await turns();
    socket(0).netSocket.emit('message', { id: 'nestjs-drain:leave', isDisposed: true });
    call('next');
    await turns();
    expect(sentBy(socket(1))).toEqual(['next']);
    socket(0).close();
    await turns();
    expect(ended).toEqual({ held: expect.objectContaining({ message: 'Connection closed' }) });
  });

  it('fails with what is lost without a word before', async () => {
    call('a');
    await turns();
    socket(0).close();
    await turns();
    expect(ended.a).toMatchObject({ message: 'Connection closed' });
    expect(client.sockets).toHaveLength(1);
    expect(client.socket).toBeNull();
  });

  it('knows calls that were sent before the operator was used', async () => {
    let held: unknown;
    client.send('held').subscribe((value) => (held = value));
    await turns();
    call('late');
    await turns();
    refuse(socket(0), 'late');
    await turns();
    expect(socket(0).hasEnded).toBe(false);
    reply(socket(0), 'held');
    expect(held).toBe('held');
    expect(socket(0).hasEnded).toBe(true);
  });

  it('forgets a call that nobody waits for', async () => {
    const leave = call('held');
    call('late');
    await turns();
    refuse(socket(0), 'late');
    await turns();
    leave();
    expect(socket(0).hasEnded).toBe(true);
  });

  it('fails all calls when the client is closed', async () => {
    call('held');
    call('late');
    await turns();
    refuse(socket(0), 'late');
    await turns();
    client.close();
    expect([ended.held, ended.late]).toEqual([
      expect.objectContaining({ message: 'Connection closed' }),
      expect.objectContaining({ message: 'Connection closed' }),
    ]);
    expect([socket(0).hasEnded, socket(1).hasEnded]).toEqual([true, true]);
  });

  it('does not send again what has been answered in part', async () => {
    call('stream');
    await turns();
    answer(socket(0), 'stream', { response: 1 });
    refuse(socket(0), 'stream');
    await turns();
    expect(ended.stream).toEqual(draining);
  });

  it('tries again where nobody listens, once it has been refused, and only then', async () => {
    client.refusals = 1;
    call('a');
    await turns();
    expect(ended.a).toMatchObject({ code: 'ECONNREFUSED' });
    call('b');
    await turns();
    client.refusals = 2;
    refuse(socket(0), 'b');
    await turns();
    expect(sentBy(socket(1))).toEqual(['b']);
  });

  it.each([
    ['so many times', { attempts: 2, firstPauseMs: 0 }, 3],
    ['for so long', { withinMs: 0, firstPauseMs: 5 }, 1],
  ])('tries only %s', async (_, more, times) => {
    call('a', more);
    for (let each = 0; each < times; each++) {
      await turns();
      refuse(client.sockets.at(-1)!, 'a');
    }
    await turns();
    expect(ended.a).toEqual(draining);
    expect(client.sockets).toHaveLength(times);
  });

  it('pauses twice as long each time, up to a limit, less a random part', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    // That is how rxjs waits.
    const waits = jest.spyOn(globalThis, 'setInterval');
    call('a', { firstPauseMs: 2, longestPauseMs: 6 });
    for (let times = 1; times <= 4; times++) {
      while (!client.sockets[times - 1]?.sent.length) await turns();
      refuse(socket(times - 1), 'a');
    }
    expect(waits.mock.calls.map(([, ms]) => ms)).toEqual([1.5, 3, 4.5, 4.5]);
    while (!client.sockets[4]?.sent.length) await turns();
  });

  it('sends again what was lost behind the first of several refused calls', async () => {
    for (const data of ['a', 'b', 'c']) call(data);
    await turns();
    refuse(socket(0), 'a');
    refuse(socket(0), 'c');
    socket(0).close();
    await turns();
    expect(sentBy(socket(1))).toEqual(expect.arrayContaining(['a', 'b', 'c']));
  });

  describe('of a client that changes its connection', () => {
    const leave = { id: 'nestjs-drain:leave', isDisposed: true };
    beforeEach(() => {
      retryWhenDraining(client);
    });
    async function reconnect(): Promise<void> {
      client.connectionPromise = null;
      await client.connect();
    }

    it('hears that it is to leave where it has only emitted', async () => {
      await client.connect();
      socket(0).netSocket.emit('message', leave);
      expect(client.connectionPromise).toBeNull();
    });

    it('leaves a connection open that nobody has told to leave', async () => {
      await client.connect();
      await reconnect();
      expect(socket(0).hasEnded).toBe(false);
    });

    it('keeps its connection of now when the server of one before says that it is to leave', async () => {
      await client.connect();
      await reconnect();
      socket(0).netSocket.emit('message', leave);
      expect(client.connectionPromise).not.toBeNull();
    });

    it('forgets a connection that has closed, and fails its calls when it is closed later on', async () => {
      await client.connect();
      socket(0).netSocket.emit('message', leave);
      socket(0).close();
      call('a');
      await turns();
      expect(socket(0).hasEnded).toBe(false);
      client.close();
      expect(ended.a).toMatchObject({ message: 'Connection closed' });
    });
  });

  it('works with a client of another kind', async () => {
    const other = { connect: () => Promise.resolve(), close: () => undefined };
    let calls = 0;
    const results: unknown[] = [];
    const source = of(1).pipe((each) => (calls++ === 0 ? throwError(() => draining) : each));
    source.pipe(retryWhenDraining(other, { attempts: 0 })).subscribe({ error: (error) => results.push(error) });
    expect(results).toEqual([draining]);
  });

  it.each(['attempts', 'withinMs', 'firstPauseMs', 'longestPauseMs'])('rejects a negative %s', (name) => {
    expect(() => retryWhenDraining(client, { [name]: -1 })).toThrow(`Expected ${name} of retryWhenDraining()`);
  });
});
