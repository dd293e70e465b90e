import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { Server as NetServer } from 'node:net';
import { type RunningCall } from '../../../../../src/drainables/microservices/shared/call-connection.js';
import { type TcpTransport, tcpTransport } from '../../../../../src/drainables/microservices/tcp/tcp-transport.js';
import { FakeClock } from '../../../../support/fake-clock.js';
import { contextWith } from '../transport-context.js';

/** The socket of a client that does nothing by itself. */
class FakeSocket extends EventEmitter {
  bytesRead = 0;
  writable = true;
  writableNeedDrain = false;
  readonly written: string[] = [];
  hasEnded = false;
  isDestroyed = false;
  remotePort = 1;

  write(text: string, written?: () => void): boolean {
    this.written.push(text);
    written?.();
    return true;
  }

  end(): void {
    this.hasEnded = true;
    this.writable = false;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
}

interface Calls {
  callBegins(): void;
  callEnded(): void;
}

class JsonSocket {}
class IdentitySerializer {}

describe('The TCP transport', () => {
  let clock: FakeClock;
  let server: {
    transportId: number;
    server: NetServer;
    socketClass: object;
    serializer: object;
    isManuallyTerminated?: boolean;
  };
  let transport: TcpTransport;
  const deadline = new AbortController().signal;

  function build(net: NetServer = new NetServer()): void {
    clock = new FakeClock();
    server = { transportId: 0, server: net, socketClass: JsonSocket, serializer: new IdentitySerializer() };
    const context = contextWith({ clock, refusal: { code: 'DRAINING' } });
    transport = tcpTransport(server, context) as TcpTransport;
  }
  beforeEach(() => build());

  function open(event: 'connection' | 'secureConnection' = 'connection'): FakeSocket {
    const socket = new FakeSocket();
    server.server.emit(event, socket as never);
    socket.bytesRead = 10;
    return socket;
  }
  /** What tells a server of TLS; a real one would shake hands. */
  const buildTls = () => build(Object.assign(new NetServer(), { setSecureContext: () => undefined }));
  /** The sockets whose calls have been abandoned, one for each call. */
  let abandoned: unknown[];
  let running: Map<unknown, RunningCall[]>;
  beforeEach(() => {
    abandoned = [];
    running = new Map();
  });
  /** The connection that a socket has now. The call that has begun last is the one that ends. */
  function connectionOf(netSocket: unknown): Calls {
    const connection = transport.connectionOf({ getSocketRef: () => ({ netSocket }) });
    const calls = running.get(netSocket) ?? [];
    running.set(netSocket, calls);
    return {
      callBegins() {
        const call = { abandon: () => abandoned.push(netSocket) };
        calls.push(call);
        connection.callBegins(call);
      },
      callEnded: () => connection.callEnded(calls.pop()!),
    };
  }
  /** Lets the event loop poll. */
  const polled = () => clock.advance(0).then(() => clock.advance(0));
  async function drain(): Promise<void> {
    await transport.stopTaking(deadline);
    await polled();
  }

  it('is recognised by its number and its server', () => {
    const context = contextWith({ clock, refusal: {} });
    expect(tcpTransport({ transportId: 3 }, context)).toBeUndefined();
    expect(tcpTransport({ transportId: 0 }, context)).toBeUndefined();
    expect(transport.name).toBe('TCP');
    expect(transport.refusal()).toEqual({ code: 'DRAINING' });
  });

  it('closes connections on which no call runs, with a word before', async () => {
    const [idle, busy] = [open(), open()];
    connectionOf(busy).callBegins();
    await drain();
    expect(idle.hasEnded).toBe(true);
    expect(idle.written).toEqual(['47#{"id":"nestjs-drain:closing","isDisposed":true}']);
    expect(busy.hasEnded).toBe(false);
    expect(server.isManuallyTerminated).toBe(true);
  });

  it('closes a busy one a moment after its last call, and once it has none later on', async () => {
    const socket = open();
    const connection = connectionOf(socket);
    connection.callBegins();
    await drain();
    connection.callEnded();
    await clock.advance(40);
    // One that is served while draining.
    connection.callBegins();
    await clock.advance(20);
    expect(socket.hasEnded).toBe(false);
    connection.callEnded();
    await polled();
    expect(socket.hasEnded).toBe(true);
  });

  it('counts the moment from the last of its calls', async () => {
    const sockets = [open(), open()];
    // One has been idle for a moment when draining begins, and busy again; the other ends two calls one after the other.
    const [again, both] = sockets.map(connectionOf) as [Calls, Calls];
    again.callBegins();
    again.callEnded();
    again.callBegins();
    both.callBegins();
    both.callBegins();
    await drain();
    await clock.advance(30);
    both.callEnded();
    await clock.advance(10);
    again.callEnded();
    both.callEnded();
    await clock.advance(49);
    expect(sockets.map(({ hasEnded }) => hasEnded)).toEqual([false, false]);
    await clock.advance(1);
    await polled();
    expect(sockets.map(({ hasEnded }) => hasEnded)).toEqual([true, true]);
  });

  it('closes none before draining begins', async () => {
    const socket = open();
    connectionOf(socket).callBegins();
    connectionOf(socket).callEnded();
    await clock.advance(1_000);
    await polled();
    expect(socket.hasEnded).toBe(false);
  });

  it('reads what has come in until then before it closes one', async () => {
    const sockets = [open(), open()];
    await transport.stopTaking(deadline);
    expect(sockets.map(({ hasEnded }) => hasEnded)).toEqual([false, false]);
    connectionOf(sockets[0]).callBegins();
    await polled();
    expect(sockets.map(({ hasEnded }) => hasEnded)).toEqual([false, true]);
  });

  it('leaves one alone that has closed by itself, whatever of it is still executed', async () => {
    const [closed, called] = [open(), open()];
    const connection = connectionOf(called);
    connection.callBegins();
    await transport.stopTaking(deadline);
    closed.emit('close');
    called.emit('close');
    connection.callEnded();
    await polled();
    expect([closed.hasEnded, called.hasEnded]).toEqual([false, false]);
    clock.assertNoTimerLeft();
  });

  it('gives one that is accepted while draining a moment to write, and closes it', async () => {
    await drain();
    const socket = open();
    socket.bytesRead = 0;
    await clock.advance(49);
    expect(socket.hasEnded).toBe(false);
    await clock.advance(1);
    await polled();
    expect(socket.hasEnded).toBe(true);
  });

  it('gives one that has just been answered, or opened, a moment to write', async () => {
    const answered = open();
    connectionOf(answered).callBegins();
    connectionOf(answered).callEnded();
    const opened = open();
    opened.bytesRead = 0;
    await drain();
    await clock.advance(49);
    expect([answered.hasEnded, opened.hasEnded]).toEqual([false, false]);
    await clock.advance(2);
    await polled();
    expect([answered.hasEnded, opened.hasEnded]).toEqual([true, true]);
  });

  it('writes nothing after the FIN, which would destroy the socket, and lets whoever writes go on', async () => {
    const socket = open();
    await drain();
    const before = socket.written.length;
    await new Promise<void>((resolve) => expect(socket.write('late', resolve)).toBe(true));
    expect(socket.written).toHaveLength(before);
    // A call that crossed it, and is served while draining, closes nothing anew.
    connectionOf(socket).callBegins();
    connectionOf(socket).callEnded();
    await clock.advance(50);
    await polled();
    expect(clock.armedAt).toEqual([1_000]);
  });

  it('waits for a client that has yet to read its answers', async () => {
    const socket = open();
    socket.writableNeedDrain = true;
    await drain();
    connectionOf(socket).callBegins();
    connectionOf(socket).callEnded();
    await clock.advance(50);
    await polled();
    expect(socket.hasEnded).toBe(false);
    expect(socket.listenerCount('drain')).toBe(1);
    socket.writableNeedDrain = false;
    socket.emit('drain');
    await polled();
    expect(socket.hasEnded).toBe(true);
  });

  it('is flushed when all connections have closed; one that does not is destroyed after a second', async () => {
    const [quick, slow] = [open(), open()];
    await drain();
    let isFlushed = false;
    void transport.flush(deadline).then(() => (isFlushed = true));
    quick.emit('close');
    expect(clock.armedAt).toEqual([1_000]);
    await clock.advance(999);
    expect([isFlushed, slow.isDestroyed]).toEqual([false, false]);
    await clock.advance(1);
    await polled();
    expect([isFlushed, slow.isDestroyed]).toEqual([true, true]);
    clock.assertNoTimerLeft();
  });

  it('looks once more whether one has closed before it is destroyed', async () => {
    const socket = open();
    await drain();
    // The poll that reads the FIN of the client comes after the timer.
    const after = clock.after.bind(clock);
    let fireNow: () => void = () => undefined;
    clock.after = (ms, fire) => after(ms, (fireNow = fire));
    const late = open();
    await polled();
    await clock.advance(50);
    await polled();
    expect([socket.hasEnded, late.hasEnded]).toEqual([true, true]);
    fireNow();
    expect(late.isDestroyed).toBe(false);
    late.emit('close');
    await polled();
    expect(late.isDestroyed).toBe(false);
  });

  it('closes none while calls run whose connection it does not know', async () => {
    const socket = open();
    const stray = connectionOf({});
    stray.callBegins();
    await drain();
    expect(socket.hasEnded).toBe(false);
    stray.callEnded();
    await polled();
    expect(socket.hasEnded).toBe(true);
  });

  it('tells clients to leave in the lame duck, and serves them', async () => {
    const sockets = [open(), open()];
    transport.announce(1_000);
    await clock.advance(1_000);
    for (const socket of sockets) {
      expect(socket.written).toEqual(['45#{"id":"nestjs-drain:leave","isDisposed":true}']);
      expect(socket.hasEnded).toBe(false);
    }
  });

  it('tells none to leave once draining has begun', async () => {
    const socket = open();
    connectionOf(socket).callBegins();
    transport.announce(1_000);
    await drain();
    await clock.advance(1_000);
    expect(socket.written).toEqual([]);
  });

  it('tells none to leave that it has cut, or that can no longer be told', async () => {
    const [cut, gone] = [open(), open()];
    gone.writable = false;
    transport.announce(0);
    await clock.advance(0);
    expect(gone.written).toEqual([]);
    transport.announce(1_000);
    transport.cut();
    clock.assertNoTimerLeft();
    expect(cut.isDestroyed).toBe(true);
  });

  it.each(['socketClass', 'serializer'] as const)('says nothing where the %s is not of Nest', async (own) => {
    server[own] = class Own {};
    const socket = open();
    transport.announce(0);
    await drain();
    expect(socket.written).toEqual([]);
    expect(socket.hasEnded).toBe(true);
  });

  it('destroys and names at the deadline what is left', async () => {
    const [busy, silent, unread] = [open(), open(), open()];
    connectionOf(busy).callBegins();
    unread.writableNeedDrain = true;
    await drain();
    await clock.advance(100);
    const leftover = { kind: 'connection', name: 'TCP', ageMs: 100 };
    expect(transport.cut()).toEqual([
      { ...leftover, detail: '1 call running' },
      { ...leftover, detail: 'not closed by its client' },
      { ...leftover, detail: 'answers not read by its client' },
    ]);
    expect([busy, silent, unread].every(({ isDestroyed }) => isDestroyed)).toBe(true);
  });

  it('abandons the calls that run when their client goes, and those alone', () => {
    const [gone, other] = [open(), open()];
    for (const socket of [gone, gone, gone, other]) connectionOf(socket).callBegins();
    connectionOf(gone).callEnded();
    expect(abandoned).toEqual([]);
    gone.emit('close');
    expect(abandoned).toEqual([gone, gone]);
  });

  it('abandons no call that is cut at the deadline: it is named as one that ran', async () => {
    const socket = open();
    connectionOf(socket).callBegins();
    await drain();
    transport.cut();
    expect(socket.isDestroyed).toBe(true);
    expect(abandoned).toEqual([]);
  });

  describe('over TLS', () => {
    beforeEach(buildTls);

    it.each(['before', 'while'])(
      'waits for a handshake that began %s it drains, for a second at most',
      async (when) => {
        let socket = when === 'before' ? open() : undefined;
        await drain();
        socket ??= open();
        let isFlushed = false;
        void transport.flush(deadline).then(() => (isFlushed = true));
        await polled();
        expect([isFlushed, socket.hasEnded]).toEqual([false, false]);
        await clock.advance(1_000);
        await polled();
        expect([socket.isDestroyed, isFlushed]).toEqual([true, true]);
      },
    );

    it.each(['before', 'while'])('destroys no connection whose handshake ended %s it drains', async (when) => {
      const raw = open();
      const handshakeEnds = () => {
        const socket = open('secureConnection');
        connectionOf(socket).callBegins();
        return socket;
      };
      let busy = when === 'before' ? handshakeEnds() : undefined;
      await drain();
      busy ??= handshakeEnds();
      await clock.advance(1_000);
      await polled();
      expect([raw.isDestroyed, busy.isDestroyed]).toEqual([false, false]);
    });

    it('gives one on which nothing has come in but its handshake a moment to write', async () => {
      const socket = new FakeSocket();
      socket.bytesRead = 517;
      server.server.emit('secureConnection', socket as never);
      await drain();
      expect(socket.hasEnded).toBe(false);
      await clock.advance(50);
      await polled();
      expect(socket.hasEnded).toBe(true);
    });

    it('destroys at the deadline what shakes hands', async () => {
      const socket = open();
      transport.cut();
      expect(socket.isDestroyed).toBe(true);
    });
  });
});
