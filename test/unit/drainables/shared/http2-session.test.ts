import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { type ServerHttp2Session } from 'node:http2';
import { type Socket } from 'node:net';
import { Session } from '../../../../src/drainables/shared/http2-session.js';
import { FakeClock, settle } from '../../../support/fake-clock.js';

const last = 2 ** 31 - 1;
let log: string[];
let clock: FakeClock;

beforeEach(() => {
  log = [];
  clock = new FakeClock();
});

class FakeSession extends EventEmitter {
  closed = false;
  destroyed = false;
  pinged?: () => void;
  ping: (answered: () => void) => boolean = (answered) => {
    log.push('ping');
    this.pinged = answered;
    return true;
  };
  goaway(_code?: number, lastStream?: number): void {
    log.push(['goaway', lastStream].filter((each) => each !== undefined).join(' '));
  }
  close(): void {
    this.closed = true;
    log.push('close');
  }
  destroy(): void {
    this.destroyed = true;
    log.push('destroy');
  }
}

class FakeSocket {
  writable = true;
  destroyed = false;
  write(bytes: Buffer): void {
    log.push(`write ${bytes.readUInt32BE(9)}`);
  }
  destroy(): void {
    this.destroyed = true;
    log.push('socket destroyed');
  }
}

async function leaving(over: { encrypted?: true; hasSpoken?: boolean; restedMs?: number } = {}) {
  const raw = new FakeSession();
  const socket = Object.assign(new FakeSocket(), over.encrypted ? { encrypted: true } : {});
  const owner = { ended: () => log.push('ended'), closed: () => log.push('closed') };
  const session = new Session(
    raw as unknown as ServerHttp2Session,
    socket as unknown as Socket,
    clock.now(),
    clock,
    owner,
  );
  if (over.hasSpoken ?? true) {
    session.streamBegan();
    session.streamEnded();
  }
  // Its client has rested since.
  await clock.advance(over.restedMs ?? 100);
  return { raw, socket, session };
}

describe('Session', () => {
  it('gives notice beside Node over cleartext, and says the last word when the ping comes back', async () => {
    const { raw, session } = await leaving();
    session.leave();
    expect(log).toEqual([`write ${last}`, 'ping']);
    raw.pinged!();
    // The ping came back inside of nghttp2, which a close must not enter again.
    expect(log).toEqual([`write ${last}`, 'ping']);
    await settle();
    expect(log).toEqual([`write ${last}`, 'ping', 'close', 'ended']);
  });

  it('says the last word when the ping does not come back within a second', async () => {
    (await leaving()).session.leave();
    await clock.advance(999);
    expect(log).not.toContain('close');
    await clock.advance(1);
    expect(log).toContain('close');
  });

  it('says notice and last word at once over TLS, where a write beside Node would abort the process', async () => {
    (await leaving({ encrypted: true })).session.leave();
    expect(log).toEqual([`goaway ${last}`, 'close', 'ended']);
  });

  it('says nothing more where somebody has closed it: a second notice, with a higher stream, is an error', async () => {
    const { raw, session } = await leaving();
    session.streamBegan();
    // Its own client has left, with a call open, or it has become too old.
    raw.closed = true;
    session.leave();
    await clock.advance(100);
    expect(log).toEqual([]);
    session.streamEnded();
    expect(log).toEqual(['ended']);
  });

  it('is not told as its client connects, which is about to open a stream', async () => {
    const { raw, session } = await leaving({ hasSpoken: false, restedMs: 0 });
    raw.emit('remoteSettings');
    session.leave();
    await clock.advance(99);
    expect(log).toEqual([]);
    session.streamBegan();
    await settle();
    expect(log).toEqual([`write ${last}`, 'ping']);
  });

  it('says notice and last word at once where its client has sent its settings and no more', async () => {
    const { raw, session } = await leaving({ hasSpoken: false });
    raw.emit('remoteSettings');
    session.leave();
    expect(log).toEqual([`goaway ${last}`, 'close', 'ended']);
  });

  describe('whose client has not spoken', () => {
    it('says its last word alone, and is never closed by Node: that would corrupt its heap', async () => {
      const { session } = await leaving({ hasSpoken: false });
      session.leave();
      expect(log).toEqual(['goaway', 'ended']);
      await clock.advance(1_000);
      expect(log).toEqual(['goaway', 'ended', 'destroy', 'socket destroyed']);
      clock.assertNoTimerLeft();
    });

    it('lets it linger for 50 ms after it has opened', async () => {
      const { session } = await leaving({ hasSpoken: false, restedMs: 10 });
      session.leave();
      await clock.advance(39);
      expect(log).toEqual([]);
      await clock.advance(1);
      expect(log).toEqual(['goaway', 'ended']);
    });

    it('is told once its first word is read, though it came while the process stood still', async () => {
      const { raw, session } = await leaving({ hasSpoken: false, restedMs: 10 });
      session.leave();
      const woken = clock.advance(40);
      // The poll that follows the timers.
      setImmediate(() => {
        raw.emit('remoteSettings');
        session.streamBegan();
      });
      await woken;
      await settle();
      expect(log).toEqual([`write ${last}`, 'ping']);
    });

    it('is told once it speaks, behind the streams of its first chunk', async () => {
      const { raw, session } = await leaving({ hasSpoken: false, restedMs: 10 });
      session.leave();
      raw.emit('remoteSettings');
      session.streamBegan();
      expect(log).toEqual([]);
      await settle();
      expect(log).toEqual([`write ${last}`, 'ping']);
      expect(clock.armedAt).toHaveLength(1);
    });

    it('has had its last word when it speaks afterwards', async () => {
      const { raw, session } = await leaving({ hasSpoken: false });
      session.leave();
      raw.emit('remoteSettings');
      await settle();
      expect(log).toEqual(['goaway', 'ended']);
    });

    it('leaves no timer when it has gone while it lingered', async () => {
      const { raw, session } = await leaving({ hasSpoken: false, restedMs: 0 });
      session.leave();
      raw.emit('close');
      clock.assertNoTimerLeft();
    });
  });

  it('goes on without a ping where the session is dead, or has too many out', async () => {
    const dead = await leaving();
    dead.raw.ping = () => {
      throw new Error('ERR_HTTP2_INVALID_SESSION');
    };
    dead.session.leave();
    const full = await leaving();
    full.raw.ping = () => false;
    full.session.leave();
    expect(log.filter((line) => line === 'close')).toHaveLength(2);
    expect(clock.armedAt).toHaveLength(2);
  });

  it('ends with its last stream, once told', async () => {
    const { raw, session } = await leaving({ encrypted: true });
    session.streamBegan();
    session.streamBegan();
    session.leave();
    expect(raw.closed).toBe(true);
    session.streamEnded();
    expect(log).not.toContain('ended');
    session.streamEnded();
    expect(log.at(-1)).toBe('ended');
  });

  it('gives a client a second to close its end, and then closes both', async () => {
    (await leaving({ encrypted: true })).session.leave();
    await clock.advance(999);
    expect(log).not.toContain('socket destroyed');
    await clock.advance(1);
    expect(log.slice(-2)).toEqual(['destroy', 'socket destroyed']);
  });

  it('waits, while its client may be about to open a stream, until as many are open as ever', async () => {
    const { session } = await leaving({ encrypted: true });
    session.streamBegan();
    session.streamBegan();
    session.streamEnded();
    session.leave();
    expect(log).toEqual([]);
    session.streamBegan();
    expect(log).toEqual([]);
    await clock.advance(0);
    expect(log).toEqual([`goaway ${last}`, 'close']);
  });

  it.each([
    ['has just had its last answer', 0],
    ['goes on with fewer streams than it had', 1],
  ])('is told after 100 ms when its client %s', async (_what, open) => {
    const { session } = await leaving({ encrypted: true });
    session.streamBegan();
    session.streamBegan();
    for (let ended = open; ended < 2; ended++) session.streamEnded();
    session.leave();
    await clock.advance(99);
    expect(log).toEqual([]);
    await clock.advance(1);
    expect(log).toContain(`goaway ${last}`);
  });

  it('is told once', async () => {
    const { session } = await leaving({ encrypted: true });
    session.leave();
    session.leave();
    expect(log.filter((line) => line.startsWith('goaway'))).toHaveLength(1);
  });

  it('leaves no timer when it has closed', async () => {
    const { raw, session } = await leaving();
    session.leave();
    expect(clock.armedAt).toHaveLength(1);
    raw.emit('close');
    expect(clock.armedAt).toEqual([]);
    expect(log.slice(-2)).toEqual(['ended', 'closed']);
  });
});
