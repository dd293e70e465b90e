import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { type Socket } from 'node:net';
import { closeInStages } from '../../../src/refusal/staged-close.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

class FakeSocket extends EventEmitter {
  bytesRead = 0;
  destroyed = false;
  readableEnded = false;
  hasSentFin = false;
  end(): void {
    this.hasSentFin = true;
  }
  resume(): void {}
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

describe('closeInStages', () => {
  let clock: FakeClock;
  let socket: FakeSocket;
  beforeEach(() => {
    clock = new FakeClock();
    socket = new FakeSocket();
    closeInStages(socket as unknown as Socket, clock);
  });

  it("sends FIN, and destroys the socket at the peer's", () => {
    expect(socket).toMatchObject({ hasSentFin: true, destroyed: false });
    socket.emit('end');
    expect(socket.destroyed).toBe(true);
    clock.assertNoTimerLeft();
  });

  it('reads on for as long as something comes, and a second more', async () => {
    await clock.advance(900);
    socket.bytesRead += 1;
    await clock.advance(1_000);
    expect(socket.destroyed).toBe(false);
    await clock.advance(100);
    expect(socket.destroyed).toBe(true);
    clock.assertNoTimerLeft();
  });

  it('reads what has come while the process stood still before it takes that for silence', async () => {
    const woken = clock.advance(1_000);
    // The poll that follows the timers.
    setImmediate(() => (socket.bytesRead += 1));
    await woken;
    await settle();
    expect(socket.destroyed).toBe(false);
    await clock.advance(1_000);
    await settle();
    expect(socket.destroyed).toBe(true);
  });
});
