import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Socket } from 'node:net';
import { type Connection } from '../../../../src/drainables/http/connection.js';
import { ConnectionTable } from '../../../../src/drainables/http/connection-table.js';
import { nextPoll } from '../../../../src/sequence/clock.js';
import { InFlightTracker } from '../../../../src/in-flight/in-flight-tracker.js';
import { FakeClock, settle } from '../../../support/fake-clock.js';
import { fakeExchange, FakeSocket } from './fake-exchange.js';

let clock: FakeClock;
let table: ConnectionTable;
let tracker: InFlightTracker;
let deadline: AbortController;

beforeEach(() => {
  clock = new FakeClock();
  table = new ConnectionTable(clock);
  tracker = new InFlightTracker(clock);
  deadline = new AbortController();
});

afterEach(() => void jest.restoreAllMocks());

function open(): { connection: Connection; socket: FakeSocket } {
  const socket = new FakeSocket();
  return { connection: table.add(socket as unknown as Socket), socket };
}

const begin = (connection: Connection) => fakeExchange(tracker, undefined, connection);

/** One that has been used, and rests. */
function openUsed() {
  const opened = open();
  begin(opened.connection).endResponse();
  return opened;
}

/** Goes on by `ms`, and lets what follows come to rest: a close is decided in a turn of its own. */
async function pass(ms: number): Promise<void> {
  await clock.advance(ms);
  for (let turn = 0; turn < 5; turn++) await nextPoll();
}

const closeAsTheyRest = (idleLingerMs = 50, owesAccepted = false) =>
  table.closeAsTheyRest({ idleLingerMs, owesAccepted });

/** Has `act` called when the next timer has fired, before the event loop polls. */
function behindTimers(of: FakeClock, act: () => void): void {
  const { after } = of;
  of.after = (ms, fire) =>
    after.call(of, ms, () => {
      of.after = after;
      fire();
      act();
    });
}

function watch(promise: Promise<void>): { isSettled: boolean } {
  const watched = { isSettled: false };
  void promise.then(() => (watched.isSettled = true));
  return watched;
}

describe('ConnectionTable', () => {
  it('closes nothing by itself before draining begins', async () => {
    const { socket } = openUsed();
    await pass(60_000);
    expect(socket.destroyed).toBe(false);
    clock.assertNoTimerLeft();
  });

  it('keeps what is idle for the linger, counted from the start of draining however long it has rested', async () => {
    const { socket } = openUsed();
    await pass(10_000);
    closeAsTheyRest();
    await pass(49);
    expect(socket.destroyed).toBe(false);
    await pass(1);
    expect(socket.destroyed).toBe(true);
  });

  it('closes what is idle after one more poll where there is no linger, and not what has just been opened', async () => {
    const { socket } = openUsed();
    await pass(10_000);
    const fresh = open();
    closeAsTheyRest(0);
    expect(socket.destroyed).toBe(false);
    await pass(0);
    expect([socket.destroyed, fresh.socket.destroyed]).toEqual([true, false]);
    await pass(50);
    expect(fresh.socket.destroyed).toBe(true);
  });

  it.each([50, 0])('keeps what comes to rest while draining for the linger, of %i ms', async (lingerMs) => {
    const { connection, socket } = open();
    const exchange = begin(connection);
    closeAsTheyRest(lingerMs);
    await pass(1_000);
    exchange.endResponse();
    if (lingerMs > 0) await pass(lingerMs - 1);
    expect(socket.destroyed).toBe(false);
    await pass(1);
    expect(socket.destroyed).toBe(true);
  });

  it('looks once more before it closes: what has come in meanwhile is served', async () => {
    const [speaking, silent] = [openUsed(), openUsed()];
    behindTimers(clock, () => (speaking.socket.bytesRead += 100));
    closeAsTheyRest();
    await pass(50);
    expect([speaking.socket.destroyed, silent.socket.destroyed]).toEqual([false, true]);
    const exchange = begin(speaking.connection);
    await pass(10_000);
    expect(speaking.socket.destroyed).toBe(false);
    exchange.endResponse();
    await pass(50);
    expect(speaking.socket.destroyed).toBe(true);
  });

  it('closes many in several turns', async () => {
    const all = Array.from({ length: 200 }, openUsed);
    closeAsTheyRest();
    const closed = () => all.filter(({ socket }) => socket.destroyed).length;
    await clock.advance(50);
    expect(closed()).toBeLessThan(200);
    for (let turn = 0; closed() < 200 && turn < 20; turn++) await settle();
    expect(closed()).toBe(200);
  });

  it('has a socket that nobody uses destroyed before any other: the first one of a process runs cold code', async () => {
    const { socket } = openUsed();
    const destroy = jest.spyOn(Socket.prototype, 'destroy');
    closeAsTheyRest(0);
    expect(destroy).toHaveBeenCalledTimes(1);
    expect(destroy.mock.contexts[0]).toMatchObject({ destroyed: true, remotePort: undefined });
    expect(socket.destroyed).toBe(false);
    await pass(0);
    expect(socket.destroyed).toBe(true);
  });

  it('has process.stderr made before any connection is closed: Node asks for it with the first one', async () => {
    const { socket } = openUsed();
    const stderr = Object.getOwnPropertyDescriptor(process, 'stderr')!;
    const isMadeBefore: boolean[] = [];
    Object.defineProperty(process, 'stderr', { configurable: true, get: () => isMadeBefore.push(!socket.destroyed) });
    try {
      closeAsTheyRest(0);
      await pass(0);
    } finally {
      Object.defineProperty(process, 'stderr', stderr);
    }
    expect(isMadeBefore).toEqual([true]);
    expect(socket.destroyed).toBe(true);
  });

  it('decides nothing in a turn that took long', async () => {
    const slow = new FakeClock();
    let stalledMs = 0;
    slow.now = () => FakeClock.prototype.now.call(slow) + stalledMs;
    table = new ConnectionTable(slow);
    const { socket } = openUsed();
    behindTimers(slow, () => {
      // So long after the poll is the decision due, and a request arrives meanwhile.
      stalledMs = 35;
      setImmediate(() => (socket.bytesRead += 100));
    });
    closeAsTheyRest();
    await slow.advance(50);
    for (let turn = 0; turn < 5; turn++) await settle();
    expect(socket.destroyed).toBe(false);
  });

  it('closes few in one turn where it takes long, and the fewer the older the last poll is', async () => {
    const slow = new FakeClock();
    let stalledMs = 0;
    slow.now = () => FakeClock.prototype.now.call(slow) + stalledMs;
    table = new ConnectionTable(slow);
    const all = Array.from({ length: 10 }, openUsed);
    const closed = () => all.filter(({ socket }) => socket.destroyed).length;
    let inFirstTurn = 0;
    let mostInOneTurn = 0;
    let inThisTurn = 0;
    for (const { socket } of all) {
      socket.destroy = () => {
        if (inThisTurn++ === 0) {
          setImmediate(() => {
            inFirstTurn ||= inThisTurn;
            mostInOneTurn = Math.max(mostInOneTurn, inThisTurn);
            inThisTurn = 0;
          });
        }
        stalledMs += 0.2;
        return FakeSocket.prototype.destroy.call(socket);
      };
    }
    behindTimers(slow, () => (stalledMs = 0.9));
    closeAsTheyRest();
    await slow.advance(50);
    for (let turn = 0; turn < 10; turn++) await settle();
    expect(inFirstTurn).toBe(1);
    expect(mostInOneTurn).toBe(2);
    expect(closed()).toBe(10);
  });

  it('owes those that are busy, or half way through a request, their end, and nobody else', async () => {
    const busy = open();
    const exchange = begin(busy.connection);
    const half = open();
    half.socket.bytesRead = 20;
    openUsed();
    closeAsTheyRest();
    const owed = watch(table.owedEnd(deadline.signal));
    exchange.endResponse();
    await settle();
    expect(owed.isSettled).toBe(false);
    expect(half.connection.passesNext).toBe(true);
    begin(half.connection).endResponse();
    await settle();
    // Nobody waits for the linger of connections that owe nothing.
    expect(owed.isSettled).toBe(true);
  });

  it('gives half a head on a connection that opened while draining one second', async () => {
    closeAsTheyRest();
    const { socket } = open();
    socket.bytesRead = 20;
    await pass(999);
    expect(socket.destroyed).toBe(false);
    await pass(1);
    expect(socket.destroyed).toBe(true);
  });

  it('gives an upgrade that nobody answers one second, and one that somebody has answered all the time', async () => {
    const [unanswered, answered] = [openUsed(), openUsed()];
    for (const { connection } of [unanswered, answered]) {
      connection.upgraded({ kind: 'upgrade', name: 'echo', startedAt: clock.now() });
    }
    answered.socket.bytesWritten = 129;
    await pass(5_000);
    closeAsTheyRest(0);
    await pass(999);
    expect(unanswered.socket.destroyed).toBe(false);
    await pass(1);
    await pass(60_000);
    expect([unanswered.socket.destroyed, answered.socket.destroyed]).toEqual([true, false]);
  });

  describe('whose listener is closed first', () => {
    it('lets the first request of a connection that was accepted in time pass, and waits for it', async () => {
      const [fresh, used] = [open(), openUsed()];
      closeAsTheyRest(50, true);
      const owed = watch(table.owedEnd(deadline.signal));
      expect([fresh.connection.passesNext, used.connection.passesNext]).toEqual([true, false]);
      await pass(49);
      expect(owed.isSettled).toBe(false);
      const exchange = begin(fresh.connection);
      await pass(100);
      expect(owed.isSettled).toBe(false);
      exchange.endResponse();
      await settle();
      expect(owed.isSettled).toBe(true);
    });

    it('waits for nobody who says nothing', async () => {
      open();
      closeAsTheyRest(50, true);
      const owed = watch(table.owedEnd(deadline.signal));
      await pass(50);
      expect(owed.isSettled).toBe(true);
    });

    it('waits for handshakes that have begun', async () => {
      const address = { remoteAddress: '127.0.0.1', remotePort: 1 };
      const tcp = Object.assign(new FakeSocket(), address);
      table.addHandshake(tcp as unknown as Socket);
      closeAsTheyRest(50, true);
      const owed = watch(table.owedEnd(deadline.signal));
      await settle();
      expect(owed.isSettled).toBe(false);
      const tls = table.add(Object.assign(new FakeSocket(), address) as unknown as Socket);
      expect(tls.passesNext).toBe(true);
      begin(tls).endResponse();
      await settle();
      expect(owed.isSettled).toBe(true);
      await pass(1_000);
      expect(tcp.destroyed).toBe(false);
    });
  });

  it('closes a silent handshake after the linger, and one that speaks after a second', async () => {
    const [silent, speaking] = [1, 2].map((remotePort) =>
      Object.assign(new FakeSocket(), { remoteAddress: '127.0.0.1', remotePort }),
    );
    for (const each of [silent!, speaking!]) table.addHandshake(each as unknown as Socket);
    speaking!.bytesRead = 10;
    closeAsTheyRest();
    await pass(50);
    expect([silent!.destroyed, speaking!.destroyed]).toEqual([true, false]);
    await pass(950);
    expect(speaking!.destroyed).toBe(true);
  });

  it('destroys everything when it is forced, and names what no lease names', async () => {
    const [half, busy, idle] = [open(), open(), openUsed()];
    half.socket.bytesRead = 20;
    begin(busy.connection);
    closeAsTheyRest();
    expect(table.destroyAll('http server')).toEqual([
      { kind: 'connection', name: 'http server', ageMs: 0, detail: 'half a request head' },
    ]);
    expect([half, busy, idle].map(({ socket }) => socket.destroyed)).toEqual([true, true, true]);
    await table.allClose(deadline.signal);
    clock.assertNoTimerLeft();
  });
});
