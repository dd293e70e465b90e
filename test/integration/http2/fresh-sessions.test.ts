import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  closeAll,
  holdDraining,
  holdLameDuck,
  holds,
  type Platform,
  type RunningApplication,
  start,
  turns,
} from '../../support/applications.js';
import { HoldingProxy } from '../../support/holding-proxy.js';
import { ended, type StreamEnd } from '../../support/http2-client.js';

const platform: Platform = { framework: 'fastify', protocol: 'http', http2: 'alone' };

@Controller()
class Things {
  @Get('fast')
  fast(): string {
    return 'answer';
  }
}

const wires: HoldingProxy[] = [];
afterEach(async () => {
  for (const wire of wires.splice(0)) await wire.close();
  await closeAll();
});

const startThings = (lameDuckMs?: number) =>
  start(platform, {
    controllers: [Things],
    drain: lameDuckMs ? { lameDuck: { minMs: lameDuckMs, quietMs: 0, maxMs: lameDuckMs } } : {},
  });

/** A client that has connected, and has not said a word. */
async function silentClient({ port, sockets }: RunningApplication): Promise<Socket> {
  const before = sockets.length;
  const socket = connectSocket(port, '127.0.0.1');
  await once(socket, 'connect');
  await holds(() => sockets.length > before);
  return socket;
}

const answered = (status: number) => ({ outcome: 'answered', status });
/**
 * What its client may send again. A client that was held up, by a busy machine, for longer than the linger reads this.
 */
const refused = { outcome: 'refused', status: undefined };

/** Sends the preface and a request at once. */
async function speak({ url }: RunningApplication, socket: Socket): Promise<StreamEnd & { goaways: number[] }> {
  const session = connect(url, { createConnection: () => socket });
  const goaways: number[] = [];
  session.on('goaway', (_code, last) => goaways.push(last));
  session.on('error', () => undefined);
  const end = await ended(session.request({ ':path': '/fast' }));
  session.destroy();
  return { ...end, goaways };
}

describe('HTTP/2 sessions that have only just opened', () => {
  it('answer their first request as a late one, though the drain has ended meanwhile', async () => {
    const held = await startThings();
    const shutdown = await holdDraining(held);
    const socket = await silentClient(held);
    const closing = shutdown.end();
    await turns(20);
    const { outcome, status } = await speak(held, socket);
    expect([answered(503), refused]).toContainEqual({ outcome, status });
    expect(await closing).toMatchObject({ outcome: 'drained', clean: true, refused: outcome === 'answered' ? 1 : 0 });
  });

  it('serve their first request when they are told in the lame duck before it has come', async () => {
    const held = await startThings(30);
    const socket = await silentClient(held);
    const shutdown = await holdLameDuck(held);
    const { outcome, status } = await speak(held, socket);
    expect([answered(200), refused]).toContainEqual({ outcome, status });
    expect(await shutdown.end()).toMatchObject({ outcome: 'drained', clean: true });
  });

  it('read a last word that names no stream of theirs when they say nothing for a while, and may then speak', async () => {
    const held = await startThings();
    const shutdown = await holdDraining(held);
    const socket = await silentClient(held);
    // Settings, and a GOAWAY with stream 0.
    let received = Buffer.alloc(0);
    const listen = (bytes: Buffer) => (received = Buffer.concat([received, bytes]));
    socket.on('data', listen);
    // Node reads no more behind its GOAWAY: when the session is destroyed a second later, that may come as a reset.
    socket.on('error', () => undefined);
    const closing = shutdown.end();
    await holds(() => received.includes(Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await turns(20);
    // The word comes alone, and its reader has time to act on it.
    expect({ isDestroyed: socket.destroyed, error: socket.errored }).toEqual({ isDestroyed: false, error: null });
    socket.end();
    expect(await closing).toMatchObject({ outcome: 'drained', clean: true });
  });

  it('do not hold up a shutdown by more than a moment', async () => {
    const held = await startThings();
    const socket = await silentClient(held);
    const shutdown = await holdDraining(held);
    socket.on('data', () => socket.end());
    const { phases } = await shutdown.end();
    expect(phases.find(({ phase }) => phase === 'draining')!.ms).toBeLessThan(4_000);
  });
});

describe.each(['alone', 'beside HTTP/1.1'] as const)(
  'TLS handshakes under way when the drain ends, HTTP/2 %s',
  (http2) => {
    /** Has connected, and not begun its handshake. */
    async function holdEnd() {
      const held = await start({ framework: 'fastify', protocol: 'https', http2 }, { controllers: [Things] });
      const shutdown = await holdDraining(held);
      const accepted = once(held.server, 'connection');
      const socket = connectSocket(held.port, '127.0.0.1');
      await accepted;
      const closing = shutdown.end();
      await held.shutdown.drained;
      return { socket, closing };
    }

    it('are waited for, and the session is answered as a late one', async () => {
      const held = await start({ framework: 'fastify', protocol: 'https', http2 }, { controllers: [Things] });
      const shutdown = await holdDraining(held);
      const wire = await HoldingProxy.listen(held.port);
      wires.push(wire);
      // The server has answered its first word: one that says nothing gets a moment alone.
      wire.hold('to the client');
      const secured = connectTls({ port: wire.port, ALPNProtocols: ['h2'], rejectUnauthorized: false });
      await wire.isHolding;
      const closing = shutdown.end();
      await held.shutdown.drained;
      wire.release();
      await once(secured, 'secureConnect');
      expect(held.shutdown.phase).toBe('draining');
      expect(await speak(held, secured)).toMatchObject({ outcome: 'answered', status: 503 });
      expect(await closing).toMatchObject({ outcome: 'drained', clean: true, refused: 1 });
    });

    it('do not hold up a shutdown by more than a moment when their clients say nothing', async () => {
      const { socket, closing } = await holdEnd();
      const { outcome, phases } = await closing;
      expect(outcome).toBe('drained');
      // Without an end of their own they would have it wait for its deadline, of 10 s.
      expect(phases.find(({ phase }) => phase === 'draining')!.ms).toBeLessThan(4_000);
      socket.destroy();
    });

    it('do not hold it up when their clients leave', async () => {
      const { socket, closing } = await holdEnd();
      socket.destroy();
      expect(await closing).toMatchObject({ outcome: 'drained', clean: true });
    });
  },
);
