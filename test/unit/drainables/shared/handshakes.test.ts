import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Socket } from 'node:net';
import { type Handshake, Handshakes } from '../../../../src/drainables/shared/handshakes.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { FakeSocket } from '../http/fake-exchange.js';

let handshakes: Handshakes;
let gaveUp: number;
beforeEach(() => {
  gaveUp = 0;
  handshakes = new Handshakes(new FakeClock(), () => gaveUp++);
});

const fakeSocket = (remotePort: number) => Object.assign(new FakeSocket(), { remoteAddress: '127.0.0.1', remotePort });
const add = (socket: FakeSocket): Handshake => handshakes.add(socket as unknown as Socket);

describe('Handshakes', () => {
  it('end with the TLS socket of the same address, and keep nothing of it', () => {
    const raw = fakeSocket(1);
    const [ended, other] = [add(raw), add(fakeSocket(2))];
    handshakes.end(fakeSocket(1) as unknown as Socket);
    expect([...handshakes]).toEqual([other]);
    expect(handshakes.isUnderWay(ended)).toBe(false);
    expect(raw.listenerCount('close')).toBe(0);
    expect(gaveUp).toBe(0);
  });

  it('are given up when their client has gone', () => {
    const raw = fakeSocket(1);
    add(raw);
    raw.destroy();
    expect({ size: handshakes.size, gaveUp }).toEqual({ size: 0, gaveUp: 1 });
  });

  it('keep a later one from the same address when the socket of the former closes', () => {
    const former = fakeSocket(1);
    add(former);
    const later = add(fakeSocket(1));
    former.destroy();
    expect([...handshakes]).toEqual([later]);
  });

  it('know nothing of a socket that they have not met', () => {
    handshakes.end(fakeSocket(1) as unknown as Socket);
    expect(handshakes.size).toBe(0);
  });
});
