import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { type Http2Server } from 'node:http2';
import {
  type Http2ServerContext,
  Http2ServerDrainable,
} from '../../../../src/drainables/http2/http2-server-drainable.js';
import { Admission } from '../../../../src/admission/admission.js';
import { InFlightTracker } from '../../../../src/in-flight/in-flight-tracker.js';
import { Traffic } from '../../../../src/sequence/traffic.js';
import { FakeClock, settle } from '../../../support/fake-clock.js';

class FakeServer extends EventEmitter {
  listening = false;
}

class FakeSession extends EventEmitter {
  closed = false;
  destroyed = false;
  told = false;
  goaway(): void {
    this.told = true;
  }
  close(): void {
    this.closed = true;
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

class FakeSocket extends EventEmitter {
  writable = true;
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
  }
}

let clock: FakeClock;
let server: FakeServer;
let drainable: Http2ServerDrainable;
let traffic: Traffic;

beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer();
  traffic = new Traffic(clock);
  const context: Http2ServerContext = {
    clock,
    tracker: new InFlightTracker(clock),
    traffic,
    rehearsal: { isRunning: false, requestArrived: () => undefined },
    admission: new Admission(),
    refusals: { refuseStream: () => undefined },
    closesListenerFirst: false,
    isHandingOver: () => false,
  };
  drainable = new Http2ServerDrainable('http2 server', server as unknown as Http2Server, context);
});

/** A session whose client has said its first word, unless told otherwise. */
function connect({ speaks } = { speaks: true }): FakeSession {
  const session = new FakeSession();
  server.emit('connection', new FakeSocket());
  server.emit('session', session);
  if (speaks) session.emit('remoteSettings');
  return session;
}

/** Begins the drain, which begins by telling everyone. */
async function beginDrain(): Promise<{ readonly drained: Promise<void> }> {
  const drained = drainable.drain(new AbortController().signal);
  await settle();
  return { drained };
}

const told = (sessions: readonly FakeSession[]): number => sessions.filter((session) => session.told).length;

describe('Http2ServerDrainable', () => {
  it('tells sessions one by one within the span, each in a share of its own', async () => {
    const sessions = Array.from({ length: 10 }, () => connect());
    await clock.advance(100);
    drainable.announce(1_000);
    for (let share = 1; share <= 10; share++) {
      await clock.advance(100);
      expect(told(sessions)).toBe(share);
    }
  });

  it('tells sessions that open meanwhile in what is left of the span', async () => {
    drainable.announce(1_000);
    await clock.advance(500);
    const fresh = Array.from({ length: 10 }, () => connect());
    expect(told(fresh)).toBe(0);
    await clock.advance(500);
    expect(told(fresh)).toBe(10);
  });

  it('tells nobody in a lame duck that takes no time', async () => {
    const session = connect();
    drainable.announce(0);
    await clock.advance(1_000);
    expect(session.told).toBe(false);
  });

  it('tells the rest when draining begins, and leaves no turn of the span behind', async () => {
    const sessions = Array.from({ length: 10 }, () => connect());
    drainable.announce(1_000);
    await clock.advance(300);
    await beginDrain();
    expect(told(sessions)).toBe(10);
    for (const session of sessions) session.destroy();
    expect(clock.armedAt).toEqual([]);
  });

  it('has drained when those that were open have said their last; a later one is not waited for', async () => {
    const [rests, works] = [connect(), connect()];
    await clock.advance(100);
    const { drained } = await beginDrain();
    const late = connect();
    await drained;
    expect([rests.closed, works.closed, late.closed]).toEqual([true, true, false]);
  });

  it('gives a session that opens while draining a second to send its request', async () => {
    await beginDrain();
    const late = connect();
    await clock.advance(999);
    expect(late.told).toBe(false);
    await clock.advance(1);
    expect(late.told).toBe(true);
  });

  it('tells such a session once the streams of its first chunk have been seen', async () => {
    await beginDrain();
    const late = connect();
    const stream = Object.assign(new EventEmitter(), { session: late, destroyed: true });
    server.emit('stream', stream, { ':method': 'GET', ':path': '/' });
    expect(late.told).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(late.told).toBe(true);
  });

  it('closes when the last session has closed, late ones included', async () => {
    await beginDrain();
    const late = connect();
    let isClosed = false;
    const closing = drainable.close(new AbortController().signal).then(() => (isClosed = true));
    await clock.advance(100);
    expect({ isTold: late.told, isClosed }).toEqual({ isTold: true, isClosed: false });
    late.destroy();
    await closing;
    expect(clock.armedAt).toEqual([]);
  });

  it('gives a session whose client is about to speak a moment before the last word', async () => {
    await beginDrain();
    const late = connect({ speaks: false });
    const closing = drainable.close(new AbortController().signal);
    await clock.advance(49);
    expect(late.told).toBe(false);
    await clock.advance(1);
    expect({ isTold: late.told, isClosed: late.closed }).toEqual({ isTold: true, isClosed: false });
    late.destroy();
    await closing;
    expect(clock.armedAt).toEqual([]);
  });

  it('destroys what is left when it is forced, and leaves no timer', async () => {
    const open = connect();
    drainable.announce(1_000);
    await drainable.forceClose();
    expect(open.destroyed).toBe(true);
    await beginDrain();
    const late = connect();
    await drainable.forceClose();
    expect(late.destroyed).toBe(true);
    expect(clock.armedAt).toEqual([]);
  });

  it('leaves a session alone that somebody has made of a stream of his own', async () => {
    const session = new FakeSession();
    server.emit('session', session);
    await beginDrain();
    expect(session.told).toBe(false);
  });
});
